// Shows the HTML that the server writes; figures.py says what it may hold.

build(`<div class="shown"></div>`);

const shown = find(".shown");

let point = [0.5, 0.5]; // of a map, as shares of its width and height; it stays from map to map

function receive() {
  const focused = stops().indexOf(document.activeElement);
  shown.innerHTML = props.value ?? "";
  readings = decoded(shown.querySelector(".pointed"));
  show();
  stops()[focused]?.focus();
}

// What the Tab key comes to: it keeps the focus when the server writes anew.
function stops() {
  return [...shown.querySelectorAll("[data-pick], [tabindex]")];
}

function pick(event) {
  const picked = event.target.closest("[data-pick]")?.dataset.pick;
  if (picked) trigger("pick", JSON.parse(picked));
}

// --- the pixel that is pointed at ---------------------------------------------------------------

function show() {
  reach();
  read();
}

function place(part, pixel, lengths) {
  const { style } = part;
  ["--x", "--y"].forEach((name, axis) => style.setProperty(name, pixel[axis] / lengths[axis]));
  style.setProperty("--pixel", 1 / lengths[0]);
}

function fill(told, places) {
  told.textContent = told.dataset.told.replace(/\[(\w+)\]/g, (_, name) => places[name]);
}

function lengthsOf({ dataset: { spans, size } }) {
  return spans ? JSON.parse(spans).map(([begin]) => begin.length) : JSON.parse(size);
}

function pixelOf(lengths) {
  return lengths.map((length, axis) => Math.min(Math.floor(point[axis] * length), length - 1));
}

// --- what a pixel has seen ---------------------------------------------------------------------

function reach() {
  const reaching = shown.querySelector(".reaching");
  if (!reaching) return;
  const spans = JSON.parse(reaching.dataset.spans), lengths = lengthsOf(reaching), pixel = pixelOf(lengths);
  const [left, top] = spans.map(([begin], axis) => begin[pixel[axis]]);
  const [right, bottom] = spans.map(([, end], axis) => end[pixel[axis]]);
  const field = { x: left, y: top, width: right - left, height: bottom - top };
  for (const [name, value] of Object.entries(field)) reaching.querySelector(".reach").setAttribute(name, value);
  place(reaching.querySelector(".maps"), pixel, lengths);
  const [x, y] = pixel;
  fill(reaching.querySelector(".told"), { x, y, columns: field.width, rows: field.height });
}

// --- what is told of a pixel -------------------------------------------------------------------

let readings = Promise.resolve([]);

async function decoded(part) {
  return Promise.all(Object.entries(JSON.parse(part?.dataset.readings ?? "{}")).map(async ([name, reading]) => {
    const image = new Image();
    image.src = reading.src;
    await image.decode();
    const { naturalWidth: width, naturalHeight: height } = image;
    const brush = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
    brush.drawImage(image, 0, 0);
    return { name, ...reading, pixels: brush.getImageData(0, 0, width, height) };
  }));
}

function inWords({ pixels, step, most, names }, x, y) {
  const value = pixels.data[4 * (y * pixels.width + x)];
  if (names.length) return names[value];
  return value === 255 && most ? most : (value * step).toFixed(step < 1 ? 1 : 0);
}

async function read() {
  const part = shown.querySelector(".pointed"), known = await readings;
  if (!part?.isConnected) return;
  const lengths = lengthsOf(part), [x, y] = pixelOf(lengths);
  place(part, [x, y], lengths);
  fill(part.querySelector(".told"), { x, y, ...Object.fromEntries(known.map((one) => [one.name, inWords(one, x, y)])) });
}

// --- pointing ----------------------------------------------------------------------------------

function pointAt(event) {
  const map = event.target.closest(".maps img, .pointed img");
  if (!map) return;
  const { left, top, width, height } = map.getBoundingClientRect();
  point = [(event.clientX - left) / width, (event.clientY - top) / height];
  show();
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEPS = 16; // of the arrow keys, across a large map; from pixel to pixel of a small one

function step(event) {
  const move = event.target.closest(".maps, .pointed .figures") && MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  const lengths = lengthsOf(shown.querySelector(".reaching, .pointed"));
  point = point.map((share, axis) => {
    const least = 0.5 / lengths[axis];
    return Math.min(Math.max(share + move[axis] / Math.min(STEPS, lengths[axis]), least), 1 - least);
  });
  show();
}

shown.addEventListener("pointermove", pointAt);
shown.addEventListener("click", (event) => (pointAt(event), pick(event)));
shown.addEventListener("keydown", (event) => {
  step(event);
  if (!["Enter", " "].includes(event.key) || !event.target.closest("[data-pick]")) return;
  event.preventDefault();
  pick(event);
});

watch("value", receive);
receive();
