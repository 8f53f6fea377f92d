// A picture to paint on; brush.py says what a value holds. The picture lies below a layer of its own for what
// is painted, so that the eraser and Clear leave it as it is. Nothing is sent before a stroke has ended.

const TOOLS = ["stroke", "circle", "rectangle", "erase"];
const KEPT = 20; // strokes that can be undone
const STEP = 8; // pixels that an arrow key moves

build(`
  <div class="brush tooled">
    <div class="tools">
      <fieldset class="kinds"><legend data-text="tools"></legend>
        ${TOOLS.map((tool) => choice("tool", tool, icon(tool))).join("")}
      </fieldset>
      <fieldset class="colours"><legend data-text="colours"></legend></fieldset>
      <input class="size" type="range" min="4" max="60" value="28">
      <span class="deeds">
        <button type="button" class="undo" disabled>${icon("undo")}</button>
        <button type="button" class="clear">${icon("clear")}</button>
      </span>
    </div>
    <div class="paper">
      <img alt="" draggable="false" hidden>
      <canvas role="application" tabindex="0"></canvas>
      <div class="cursor" hidden></div>
    </div>
    <p class="spoken" role="status"></p>
  </div>`);

const canvas = find("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });
const [undo, clear, cursor] = [".undo", ".clear", ".cursor"].map(find);
canvas.setAttribute("aria-label", text("canvas"));
for (const tool of TOOLS) name(find(`input[value=${tool}]`), tool);
for (const one of ["size", "undo", "clear"]) name(find(`.${one}`), one);
choose("tool", "stroke");

let before = []; // the layer as it was before each stroke
let start = null; // where the stroke under way began
let last = null;
let known = null; // the value that is shown: what was painted here comes back
let at = null; // the keyboard's place

// --- values ---------------------------------------------------------------------------------

function receive() {
  const value = props.value;
  if (!value || (value.picture === known?.picture && value.strokes === known.strokes)) return;
  known = value;
  canvas.width = canvas.height = value.side;
  before = [];
  start = null;
  const image = find("img");
  image.src = value.picture;
  image.hidden = false;
  offerColours(value.colours);
  if (value.strokes) restore(value.strokes);
  refresh();
}

async function restore(strokes) {
  const image = new Image();
  image.src = strokes;
  await image.decode();
  context.drawImage(image, 0, 0);
}

function offerColours(colours) {
  const place = find(".colours");
  if (place.dataset.colours === JSON.stringify(colours)) return;
  place.dataset.colours = JSON.stringify(colours);
  for (const label of place.querySelectorAll("label")) label.remove();
  for (const [key, colour] of Object.entries(colours)) {
    place.insertAdjacentHTML("beforeend", choice("colour", colour, `<i style="background: ${colour}"></i>`));
    name(place.lastElementChild.querySelector("input"), key);
  }
  place.querySelector("input").checked = true;
}

function send() {
  known = { ...known, strokes: canvas.toDataURL("image/png") };
  props.value = known;
  trigger("input");
}

function refresh() {
  undo.disabled = !before.length;
}

// --- a stroke -------------------------------------------------------------------------------

function begin(point) {
  before = [...before.slice(1 - KEPT), context.getImageData(0, 0, canvas.width, canvas.height)];
  start = last = point;
  extend(point);
}

function extend(point) {
  const tool = chosen("tool");
  context.globalCompositeOperation = tool === "erase" ? "destination-out" : "source-over";
  context.strokeStyle = context.fillStyle = chosen("colour") ?? "#000";
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = Number(find(".size").value);
  context.beginPath();
  if (tool === "circle" || tool === "rectangle") {
    context.putImageData(before.at(-1), 0, 0);
    outline(tool, point);
    context.fill();
  } else {
    context.moveTo(last.x, last.y);
    context.lineTo(point.x, point.y);
    context.stroke();
  }
  last = point;
}

// A circle round the first point; a rectangle from it.
function outline(tool, { x, y }) {
  if (tool === "circle") context.arc(start.x, start.y, Math.hypot(x - start.x, y - start.y), 0, 2 * Math.PI);
  else context.rect(start.x, start.y, x - start.x, y - start.y);
}

function finish() {
  if (!start) return;
  start = null;
  refresh();
  send();
}

function takeBack() {
  if (!before.length) return;
  start = null;
  context.putImageData(before.at(-1), 0, 0);
  before = before.slice(0, -1);
  refresh();
}

undo.addEventListener("click", () => {
  takeBack();
  send();
  if (undo.disabled) canvas.focus();
});
clear.addEventListener("click", () => {
  if (!known) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  before = [];
  refresh();
  send();
  canvas.focus();
});

// --- pointer and keyboard -------------------------------------------------------------------

function pointOf(event) {
  const box = canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - box.left) / box.width) * canvas.width,
    y: ((event.clientY - box.top) / box.height) * canvas.height,
  };
}

canvas.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button || !known) return;
  canvas.setPointerCapture(event.pointerId);
  cursor.hidden = true;
  begin(pointOf(event));
});
canvas.addEventListener("pointermove", (event) => {
  if (start && canvas.hasPointerCapture(event.pointerId)) extend(pointOf(event));
});
canvas.addEventListener("pointerup", finish);
canvas.addEventListener("pointercancel", takeBack);

function within(value) {
  return Math.min(Math.max(value, 0), canvas.width);
}

canvas.addEventListener("keydown", (event) => {
  if (!known || event.altKey) return;
  const stride = STEP * (event.shiftKey ? 4 : 1);
  at ??= { x: canvas.width / 2, y: canvas.height / 2 };
  if (event.key in ARROWS) {
    const [dx, dy] = ARROWS[event.key];
    at = { x: within(at.x + dx * stride), y: within(at.y + dy * stride) };
    if (start) extend(at);
  } else if (event.key === " " || event.key === "Enter") {
    if (start) finish();
    else begin(at);
  } else if (event.key === "Escape" && start) {
    takeBack();
  } else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) {
    undo.click();
  } else {
    return;
  }
  event.preventDefault();
  cursor.hidden = false;
  cursor.style.left = `${(at.x / canvas.width) * 100}%`;
  cursor.style.top = `${(at.y / canvas.height) * 100}%`;
  find(".spoken").textContent = text(start ? "down" : "up", { x: at.x, y: at.y });
});
canvas.addEventListener("blur", () => {
  cursor.hidden = true;
  finish();
});

watch("value", receive);
receive();
