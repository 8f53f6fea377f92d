// Space presses whichever of Train, Pause and Resume can be pressed. In a slide's iframe, the keys that
// turn slides are handed to the page around it, in the way that reveal.js listens for.

const BUTTONS = ["start", "pause", "resume"].map((name) => `#${props.value}-${name}`);
const TAKES_KEYS = "input, textarea, select, summary, a[href], button:enabled, [contenteditable], [role=slider]";
const TURNS = { ArrowRight: "next", PageDown: "next", ArrowLeft: "prev", PageUp: "prev" };

// The list in which Enter has just chosen: Gradio lets go of the focus then, and Space is still for the list.
let list = null;

build(`<p class="shortcut" data-text="does"></p>`);

function onKey(event) {
  if (!element.isConnected) {
    document.removeEventListener("keydown", onKey);
    document.removeEventListener("pointerdown", leave);
    return;
  }
  const modified = event.ctrlKey || event.altKey || event.metaKey || event.shiftKey;
  const shown = row?.checkVisibility();
  const chosen = list;
  list = event.key === "Enter" && event.target.matches("[role=combobox]") ? event.target : null;
  if (modified || event.defaultPrevented || !shown) return;
  if (event.key === " " && !event.target.closest(TAKES_KEYS)) press(event, chosen);
  if (event.key in TURNS && window.parent !== window && !event.target.closest("input, textarea"))
    window.parent.postMessage(JSON.stringify({ method: TURNS[event.key] }), "*");
}

function leave() {
  list = null;
}

function press(event, chosen) {
  event.preventDefault(); // it would scroll
  if (chosen) chosen.focus();
  else if (!event.repeat) document.querySelector(BUTTONS.map((name) => `${name}:enabled`).join())?.click();
}

document.addEventListener("keydown", onKey);
document.addEventListener("pointerdown", leave);

// A button that can no longer be pressed would drop the focus, at a run's start and at its end.

let row = null;
let own = null; // the button that the person went to or pressed
let held = null; // the one that has the focus, or had it until it could no longer be pressed

function goTo(target) {
  held = row?.contains(target) ? target.closest("button") : null;
  own = held;
}

function keepFocus() {
  const lost = held?.disabled && [document.body, held].includes(document.activeElement);
  const pressable = (button) => button && !button.disabled && button.checkVisibility();
  const next = lost && [own, ...row.querySelectorAll(BUTTONS.join()), ...row.querySelectorAll("button")].find(pressable);
  if (!next) return;
  const person = own;
  next.focus({ preventScroll: true });
  own = person;
}

// Row and buttons may come later than this line of text.
function begin() {
  row = document.querySelector(`.train-buttons:has(${BUTTONS[0]})`);
  if (!row) return requestAnimationFrame(begin);
  row.addEventListener("click", ({ target }) => {
    if (target.closest("button") === held) own = held;
  });
  new MutationObserver(follow).observe(row, { attributes: true, attributeFilter: ["disabled"], childList: true, subtree: true });
  follow();
}

function follow() {
  for (const button of row.querySelectorAll(BUTTONS.join())) {
    button.setAttribute("aria-keyshortcuts", "Space");
    button.title = text("title");
  }
  keepFocus();
}

document.addEventListener("focusin", ({ target }) => goTo(target));
document.addEventListener("pointerdown", ({ target }) => goTo(target));
begin();
