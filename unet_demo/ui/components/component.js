// Shared by the components: text in the reader's language, elements, colours of the theme.
// Runs inside Gradio's js_on_load, which gives `element`, `props` and `watch`;
// component.py puts STYLE and TEXTS before it.

// The server has put the visitor's language first, see page_language.py.
function chooseLanguage() {
  const known = Object.keys(TEXTS);
  for (const wish of navigator.languages) {
    const same = known.find((tag) => tag === wish);
    const related = known.find((tag) => tag.split("-")[0] === wish.split("-")[0]);
    if (same || related) return same || related;
  }
  return "en";
}

const language = chooseLanguage();

// The text of a key, with its {places} filled; undefined where there is no such key.
function text(key, places = {}) {
  return TEXTS[language][key]?.replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole);
}

// Replaces the component's content; every element with data-text receives that text.
function build(html) {
  const style = document.createElement("style");
  style.textContent = STYLE;
  element.innerHTML = html;
  element.lang = language;
  element.prepend(style);
  for (const node of element.querySelectorAll("[data-text]")) {
    node.textContent = text(node.dataset.text);
  }
}

function find(selector) {
  return element.querySelector(selector);
}

// Calls back when light and dark change places; lets go once the component has left the page.
function onThemeChange(callback) {
  const observer = new MutationObserver(() => {
    if (element.isConnected) callback();
    else observer.disconnect();
  });
  observer.observe(document.body, { attributes: true, attributeFilter: ["class"] });
}

// Calls back with the first element that a selector finds, now or once Gradio has drawn it.
function whenThere(selector, callback) {
  const look = () => {
    const found = document.querySelector(selector);
    if (found) {
      observer.disconnect();
      callback(found);
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { childList: true, subtree: true });
  look();
}

// What a component shows: its value, or what a recording makes of it meanwhile (recording.js).
let recorded = null;

function currentValue() {
  return recorded ? recorded(props.value) : props.value;
}

element.addEventListener("recorded", ({ detail }) => {
  recorded = detail;
  receive();
});
