// A dialog with the link to what is shown, and with the code of an iframe of it. The frame that shows how
// that will look is loaded once the dialog is open, and let go of when it closes.

const SIZE = { width: 960, height: 540 };
const SIGN = '<path d="M12 15V3m-4.5 4.5L12 3l4.5 4.5M5 12v8h14v-8"/>';

build(`
  <button type="button" class="bar-tool opener" aria-haspopup="dialog">
    <svg viewBox="0 0 24 24" aria-hidden="true">${SIGN}</svg><span data-text="open"></span>
  </button>
  <dialog class="box share" aria-labelledby="share-title">
    <form method="dialog">
      <h2 id="share-title" data-text="open"></h2>
      <button class="close">×</button>
    </form>
    <p class="incomplete" data-text="incomplete"></p>
    <div class="copied">
      <label for="share-link" data-text="link"></label>
      <textarea id="share-link" readonly rows="2" spellcheck="false"></textarea>
      <button type="button" data-text="copy"></button>
    </div>
    <div class="copied">
      <label for="share-embed" data-text="embed"></label>
      <textarea id="share-embed" readonly rows="3" spellcheck="false"></textarea>
      <button type="button" data-text="copy"></button>
    </div>
    <p role="status"></p>
    <p class="preview-title" data-text="preview"></p>
    <div class="preview" inert></div>
  </dialog>`);

const dialog = find("dialog");
const opener = find(".opener");
const preview = find(".preview");
const said = find("[role=status]");
const [link, embed] = element.querySelectorAll("textarea");
find(".close").setAttribute("aria-label", text("close"));
opener.title = text("open");

// A slide looks the same on whatever machine it is shown.
function frameOf(address) {
  const url = new URL(address);
  url.searchParams.set("controls", "0");
  url.searchParams.set("lang", document.documentElement.lang);
  url.searchParams.set("__theme", document.body.classList.contains("dark") ? "dark" : "light");
  const frame = document.createElement("iframe");
  frame.src = url.href;
  frame.title = text("title");
  for (const [name, pixels] of Object.entries(SIZE)) frame.setAttribute(name, pixels);
  frame.style.border = "0";
  return frame;
}

function open() {
  const detail = {};
  document.dispatchEvent(new CustomEvent("address", { detail })); // history.js answers
  const frame = frameOf(detail.url);
  link.value = detail.url.href;
  embed.value = frame.outerHTML;
  said.textContent = "";
  find(".incomplete").hidden = !detail.incomplete;
  dialog.showModal();
  preview.replaceChildren(frame);
  fit();
}

function fit() {
  if (preview.firstChild) preview.firstChild.style.scale = preview.clientWidth / SIZE.width;
}

async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    said.textContent = text(`copied_${field === link ? "link" : "embed"}`);
  } catch {
    // No permission, or no clipboard at all outside https: the text stands there to be copied.
    field.focus();
    field.select();
    said.textContent = text("blocked");
  }
}

opener.addEventListener("click", open);
for (const field of [link, embed]) {
  const button = field.nextElementSibling;
  button.setAttribute("aria-label", text(`copy_${field === link ? "link" : "embed"}`));
  button.addEventListener("click", () => copy(field));
}
new ResizeObserver(fit).observe(preview);
dialog.addEventListener("close", () => preview.replaceChildren());
dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());

whenThere(".bar-tools", (tools) => tools.append(opener));
