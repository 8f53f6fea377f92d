// Gradio shows a notice when the server has gone, and loads the page anew once it is back.

const GRADIOS_WORDS = "Connection to the server was lost. Attempting reconnection...";

build("");

const observer = new MutationObserver(() => {
  if (!element.isConnected) observer.disconnect();
  for (const said of document.querySelectorAll("[data-testid=toast-text]"))
    if (said.textContent.trim() === GRADIOS_WORDS) said.textContent = text("gone");
});

observer.observe(document.body, { childList: true, subtree: true });
