// Shows the HTML that the server writes; figures.py says what it may hold.

build(`<div class="shown"></div>`);

const shown = find(".shown");

let point = [0.5, 0.5]; // of a map, as shares of its width and height; it stays from map to map

function receive() {
  const focused = shown.querySelector(".maps")?.contains(document.activeElement);
  shown.innerHTML = props.value ?? "";
  reach();
  if (focused) shown.querySelector(".maps")?.focus();
}

function pick(event) {
  const picked = event.target.closest("[data-pick]")?.dataset.pick;
  if (picked) trigger("pick", JSON.parse(picked));
}

// --- what a pixel has seen ---------------------------------------------------------------------

function reach() {
  const reaching = shown.querySelector(".reaching");
  if (!reaching) return;
  const spans = JSON.parse(reaching.dataset.spans);
  const pixel = spans.map(([begin], axis) => Math.min(Math.floor(point[axis] * begin.length), begin.length - 1));
  const [left, top] = spans.map(([begin], axis) => begin[pixel[axis]]);
  const [right, bottom] = spans.map(([, end], axis) => end[pixel[axis]]);
  const field = { x: left, y: top, width: right - left, height: bottom - top };
  for (const [name, value] of Object.entries(field)) reaching.querySelector(".reach").setAttribute(name, value);
  const { style } = reaching.querySelector(".maps");
  ["--x", "--y"].forEach((name, axis) => style.setProperty(name, pixel[axis] / spans[axis][0].length));
  style.setProperty("--pixel", 1 / spans[0][0].length);
  const told = reaching.querySelector(".told");
  const places = { x: pixel[0], y: pixel[1], columns: field.width, rows: field.height };
  told.textContent = told.dataset.told.replace(/\[(\w+)\]/g, (_, name) => places[name]);
}

function pointAt(event) {
  const map = event.target.closest(".maps img");
  if (!map) return;
  const { left, top, width, height } = map.getBoundingClientRect();
  point = [(event.clientX - left) / width, (event.clientY - top) / height];
  reach();
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEPS = 16; // of the arrow keys, across a large map; from pixel to pixel of a small one

function step(event) {
  const move = event.target.closest(".maps") && MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  const lengths = JSON.parse(shown.querySelector(".reaching").dataset.spans).map(([begin]) => begin.length);
  point = point.map((share, axis) => {
    const least = 0.5 / lengths[axis];
    return Math.min(Math.max(share + move[axis] / Math.min(STEPS, lengths[axis]), least), 1 - least);
  });
  reach();
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
