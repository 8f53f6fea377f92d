// Copies what share.py answers; where the browser forbids that, the text stands there to be copied.
// What a component's script alone knows of its page, it says as data-link: "scale=log".

const SIZE = { width: 960, height: 540 };
const KEPT = ["lang", "__theme"]; // what a link keeps of this page's own address

build(`
  <div class="share-answer" hidden>
    <p role="status"></p>
    <textarea readonly rows="3" spellcheck="false"></textarea>
  </div>`);

const answer = find(".share-answer");
const field = find("textarea");

function address(query) {
  const url = new URL(location.pathname, location.origin);
  const shown = (element.closest("[role=tabpanel]") ?? document).querySelectorAll("[data-link]");
  url.search = [query, ...Array.from(shown, (one) => one.dataset.link)].filter(Boolean).join("&");
  return url;
}

function link(query) {
  const url = address(query);
  const here = new URLSearchParams(location.search);
  for (const name of KEPT) if (here.has(name)) url.searchParams.set(name, here.get(name));
  return url.href;
}

// A slide looks the same on whatever machine it is shown.
function embedCode(query) {
  const url = address(query);
  url.searchParams.set("controls", "0");
  url.searchParams.set("lang", document.documentElement.lang);
  url.searchParams.set("__theme", document.body.classList.contains("dark") ? "dark" : "light");
  const frame = document.createElement("iframe");
  frame.src = url.href;
  frame.title = document.querySelector("h1").textContent.trim();
  for (const [name, pixels] of Object.entries(SIZE)) frame.setAttribute(name, pixels);
  frame.style.border = "0";
  return frame.outerHTML;
}

async function copied(copy) {
  try {
    await navigator.clipboard.writeText(copy);
    return true;
  } catch {
    return false; // no permission, or no clipboard at all outside https
  }
}

function refuse(sentence) {
  answer.hidden = false;
  field.hidden = true;
  find("p").textContent = text("refused", { sentence });
}

async function receive() {
  if (!props.value) return;
  const { kind, query, incomplete, refused } = props.value;
  find("p").classList.toggle("mistake", Boolean(refused));
  if (refused) return refuse(refused);
  const copy = kind === "embed" ? embedCode(query) : link(query);
  const done = await copied(copy);
  answer.hidden = false;
  const said = [text(done ? `copied_${kind}` : "blocked"), incomplete && text("incomplete")];
  find("p").textContent = said.filter(Boolean).join(" ");
  field.value = copy;
  field.setAttribute("aria-label", text(`copy_${kind}`));
  field.hidden = done;
  if (done) return;
  field.focus();
  field.select();
}

watch("value", receive);
