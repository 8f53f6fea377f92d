// Gradio's row of tabs becomes the bar: the title goes before the tabs, the tools after them.

const MOON = '<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z"/>';
const GLOBE = '<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18"/>';
const LOGO = '<path d="M4 3v10a8 8 0 0 0 16 0V3M8.5 8h7m-2.5-2.5 2.5 2.5-2.5 2.5"/>';

const icon = (paths) => `<svg viewBox="0 0 24 24" aria-hidden="true">${paths}</svg>`;

build(`
  <div class="bar-name">
    <a class="skip" href="" data-text="skip"></a>
    ${icon(LOGO)}
    <h1 data-text="title"></h1>
  </div>
  <div class="bar-tools">
    <label class="bar-tool language">${icon(GLOBE)}<select></select></label>
    <button type="button" class="bar-tool theme">${icon(MOON)}</button>
    <dialog class="box loses" aria-labelledby="loses">
      <form method="dialog">
        <p id="loses" data-text="loses"></p>
        <button class="stay" data-text="stay"></button>
        <button class="go" value="go" data-text="change"></button>
      </form>
    </dialog>
  </div>`);

const name = find(".bar-name");
const tools = find(".bar-tools");
const languages = find("select");
const theme = find(".theme");
const loses = find(".loses");

// What is set so is no page to come back to, so it takes the place of the address in the history.
function note(parameter, value) {
  const url = new URL(location.href);
  url.searchParams.set(parameter, value);
  history.replaceState(history.state, "", url);
}

// Texts come with the page, in one language: another one needs another page. What that would lose is asked
// about: a picture of one's own, a run (history.js and the pages' charts answer).
languages.setAttribute("aria-label", text("language"));
for (const [tag, { tongue }] of Object.entries(TEXTS)) {
  const option = new Option(tongue, tag, false, tag === language);
  option.lang = tag;
  languages.add(option);
}
function changeLanguage() {
  note("lang", languages.value);
  location.reload();
}

languages.addEventListener("change", () => {
  const detail = {};
  document.dispatchEvent(new CustomEvent("address", { detail }));
  if (!detail.unsaved) return changeLanguage();
  loses.returnValue = "";
  loses.showModal();
});
loses.addEventListener("close", () => {
  if (loses.returnValue === "go") changeLanguage();
  else languages.value = language;
});

const isDark = () => document.body.classList.contains("dark");
const nameTheme = () => theme.setAttribute("aria-pressed", isDark());

theme.setAttribute("aria-label", text("dark"));
theme.title = text("dark");
theme.addEventListener("click", () => {
  document.body.classList.toggle("dark");
  note("__theme", isDark() ? "dark" : "light");
});
onThemeChange(nameTheme);
nameTheme();

name.title = text("tagline");
name.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  const page = [...document.querySelectorAll("[role=tabpanel]")].find((one) => one.checkVisibility());
  page.tabIndex = -1;
  page.focus();
});

// The tabs are one stop of the Tab key; arrows go from one to the next, as in a group of radios.
function nameTabs(tabs) {
  const chosen = tabs.querySelector("[aria-selected=true]");
  for (const tab of tabs.querySelectorAll("[role=tab]")) tab.tabIndex = tab === chosen ? 0 : -1;
  if (!chosen) return;
  document.title = `${chosen.textContent.trim()} – ${text("title")}`;
  nameRegions(chosen.dataset.tabId);
}

// The parts of each page, for those who go from landmark to landmark: selector → what it is.
const REGIONS = {
  segment: {
    ".segment-page > .input": "picture",
    ".segment-page > .result": "segmentation",
    ".segment-page > .findings": "classes",
  },
  train: {
    "#train-strip": "training",
    ".train-page > .scenes-column": "scenes",
    ".train-page > .u-column": "network",
    ".train-page > .chart-column": "losses",
  },
  teach: {
    ".teach-page > .teach-aside": "own",
    ".teach-page > .teach-paper": "labels",
    ".teach-page > .teach-run": "training",
    ".teach-page > .teach-foot": "take",
  },
  inside: { ".inside-page": null },
  articles: { "#articles": null },
  models: { "#models": null },
};
const named = new Set();

// Once a page is there; Gradio lays each out when it is first opened.
function nameRegions(page) {
  if (named.has(page)) return;
  named.add(page);
  for (const [selector, name] of Object.entries(REGIONS[page])) {
    whenThere(selector, (part) => {
      part.closest("[role=tabpanel]").firstElementChild.role = "main";
      if (!name) return;
      part.role = "region";
      part.ariaLabel = text(`region_${name}`);
    });
  }
}

function goToTab(event) {
  const all = [...event.currentTarget.querySelectorAll("[role=tab]")];
  const at = all.indexOf(document.activeElement);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  const next = all.at(to % all.length);
  next.focus();
  next.click();
}

// Gradio draws its tabs after what stands beside them.
function complete(row) {
  const tabs = row.querySelector("[role=tablist]");
  row.prepend(name);
  row.append(tools);
  document.getElementById("opening")?.remove(); // see address.js
  // Gradio's own <main> holds the bar, too; what is below the bar becomes the main part (nameRegions).
  row.closest("main")?.setAttribute("role", "none");
  row.role = "banner";
  const pages = document.createElement("nav");
  pages.ariaLabel = text("pages");
  tabs.before(pages);
  pages.append(tabs, row.querySelector(".overflow-menu"));
  tabs.addEventListener("keydown", goToTab);
  const changes = { subtree: true, childList: true, attributeFilter: ["aria-selected"] };
  new MutationObserver(() => nameTabs(tabs)).observe(tabs, changes);
  nameTabs(tabs);
}

whenThere("#pages > .tab-wrapper", complete);
