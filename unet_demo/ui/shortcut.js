// Space presses whichever of Train, Pause and Resume can be pressed. In a slide's iframe, the keys that
// turn slides are handed to the page around it, in the way that reveal.js listens for.

const BUTTONS = ["#train-start", "#train-pause", "#train-resume"];
const TAKES_KEYS = "input, textarea, select, summary, a[href], button:enabled, [contenteditable], [role=slider]";
const TURNS = { ArrowRight: "next", PageDown: "next", ArrowLeft: "prev", PageUp: "prev" };

build(`<p class="shortcut" data-text="does"></p>`);

for (const button of document.querySelectorAll(BUTTONS.join())) {
  button.setAttribute("aria-keyshortcuts", "Space");
  button.title = text("title");
}

function onKey(event) {
  if (!element.isConnected) {
    document.removeEventListener("keydown", onKey);
    return;
  }
  const modified = event.ctrlKey || event.altKey || event.metaKey || event.shiftKey;
  const shown = document.querySelector(".train-buttons").checkVisibility();
  if (modified || event.defaultPrevented || !shown) return;
  if (event.key === " " && !event.target.closest(TAKES_KEYS)) press(event);
  if (event.key in TURNS && window.parent !== window && !event.target.closest("input, textarea"))
    window.parent.postMessage(JSON.stringify({ method: TURNS[event.key] }), "*");
}

function press(event) {
  event.preventDefault(); // it would scroll
  if (!event.repeat) document.querySelector(BUTTONS.map((name) => `${name}:enabled`).join())?.click();
}

document.addEventListener("keydown", onKey);
