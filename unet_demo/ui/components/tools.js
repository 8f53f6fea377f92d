// Shared by what is painted on (brush.js, paint.js): tools as radio buttons with a picture of what they do.

const ICONS = {
  stroke: "M3 17l1-4L14 3l3 3L7 16z",
  circle: "M3 10a7 7 0 1 0 14 0a7 7 0 1 0-14 0",
  rectangle: "M3 5h14v10H3z",
  line: "M4 16L16 4M3 17l2-2M15 5l2-2",
  fill: "M4 11l6-6 6 6-6 6zM10 5L8 3M4 11h12M18 13v4",
  erase: "M8 16l-5-5 8-8 6 6-7 7zM6.5 7.5l6 6M8 16h9",
  move: "M10 2v16M2 10h16M10 2L8 4.5M10 2l2 2.5M10 18l-2-2.5M10 18l2-2.5M2 10l2.5-2M2 10l2.5 2M18 10l-2.5-2M18 10l-2.5 2",
  undo: "M7 3L3 7l4 4M3 7h8a4.5 4.5 0 0 1 0 9H6",
  redo: "M13 3l4 4-4 4M17 7H9a4.5 4.5 0 0 0 0 9h5",
  clear: "M4 4l12 12M16 4L4 16",
  bin: "M4 6h12M8 6V4h4v2M6 6l1 11h6l1-11M9 9v5M11 9v5",
  edit: "M3 17l1-4L14 3l3 3L7 16zM11 17h6",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const group = `tools-${Math.random()}`;

function icon(name) {
  return `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
}

// What has no words of its own gets some: for the pointer that rests on it, and for who hears it.
function name(node, key) {
  node.setAttribute("aria-label", text(key));
  (node.closest("label") ?? node).title = text(key);
}

function choice(kind, value, content) {
  return `<label><input type="radio" name="${group}-${kind}" value="${value}">${content}</label>`;
}

function choose(kind, value) {
  const radio = [...element.querySelectorAll(`input[name="${group}-${kind}"]`)].find((one) => one.value === `${value}`);
  if (radio) radio.checked = true;
}

function chosen(kind) {
  return find(`input[name="${group}-${kind}"]:checked`)?.value;
}
