// The address follows the pages, and the pages follow Back and Forward.
//
// A page tells of its settings with an event `settings` of the document. Its detail: page, values (name →
// value), and where they are known defaults (name → value that goes without saying; null where there is no
// such setting) and incomplete, whether an address cannot say all of it. The viewer's `look` tells of the Segment page's view.
// Settings take the place of the address in the history; only another page makes an entry of its own.

const RESTORED = { segment: "restored_segment", train: "restored_train", teach: "restored_teach", inside: "restored_inside" };
const OF_ALL = ["page", "lang", "__theme", "controls"];
const QUIET_MS = 300; // browsers refuse to write the address more than some three times a second

build("");

const FORMER = { about: "models" }; // see link.py

function pageOf(url) {
  const named = new URLSearchParams(url.search).get("page") ?? "segment";
  return FORMER[named] ?? named;
}

const settingsOf = (url) =>
  Object.fromEntries([...new URLSearchParams(url.search)].filter(([name]) => !OF_ALL.includes(name)));

let page = pageOf(location);
let waiting = 0;
let touched = false;
const told = { [page]: { values: settingsOf(location), defaults: {} } };

function written(value) {
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "number" ? String(Number(value.toPrecision(10))) : String(value ?? "");
}

function query(name) {
  const { values = {}, defaults = {} } = told[name] ?? {};
  const settings = Object.entries(values).map(([key, value]) => [key, written(value)]);
  const telling = ([key, value]) => value && defaults[key] !== null && value !== written(defaults[key]);
  return String(new URLSearchParams(settings.filter(telling)));
}

// The address of what is shown now.
function address() {
  const kept = [...new URLSearchParams(location.search)].filter(([name]) => name !== "page" && OF_ALL.includes(name));
  const parts = [`page=${page}`, query(page), String(new URLSearchParams(kept))];
  return `${location.pathname}?${parts.filter(Boolean).join("&")}`;
}

// Until a visitor has done something, an address stays as it was given, with what of it was refused.
function write() {
  clearTimeout(waiting);
  waiting = 0;
  if (touched || told[page].incomplete) window.history.replaceState(null, "", address());
}

function tell(name, { values, ...others }) {
  told[name] = { ...told[name], ...others, values: { ...told[name]?.values, ...values } };
  if (name !== page) return;
  clearTimeout(waiting);
  waiting = setTimeout(write, QUIET_MS);
}

function turn(tabs) {
  const shown = tabs.querySelector("[aria-selected=true]")?.dataset.tabId;
  if (!shown || shown === page) return;
  if (waiting) write();
  page = shown;
  if (pageOf(location) !== page) window.history.pushState(null, "", address());
}

function step() {
  clearTimeout(waiting);
  waiting = 0;
  page = pageOf(location);
  document.querySelector(`#pages [role=tab][data-tab-id="${CSS.escape(page)}"]`)?.click();
  const values = settingsOf(location);
  const asked = String(new URLSearchParams(values));
  if (!(page in RESTORED) || asked === query(page)) return;
  told[page] = { ...told[page], values };
  props.value = { query: asked };
  trigger(RESTORED[page]);
}

document.addEventListener("settings", ({ detail: { page: name, ...others } }) => tell(name, others));
document.addEventListener("look", ({ detail: { scored, ...view } }) => tell("segment", { values: view }), true);
addEventListener("popstate", step);
for (const act of ["pointerdown", "keydown"]) addEventListener(act, () => (touched = true), { capture: true, once: true });

// Whoever shares what is shown asks for its address, and whether something of it is left out; whoever leaves
// the page, whether any page holds something that would be lost.
document.addEventListener("address", ({ detail }) => {
  if (waiting) write();
  detail.url = new URL(address(), location);
  detail.incomplete = Boolean(told[page]?.incomplete);
  detail.unsaved ||= Object.values(told).some(({ incomplete }) => incomplete);
});

whenThere("#pages [role=tablist]", (tabs) => {
  new MutationObserver(() => turn(tabs)).observe(tabs, { subtree: true, childList: true, attributeFilter: ["aria-selected"] });
  turn(tabs);
});
