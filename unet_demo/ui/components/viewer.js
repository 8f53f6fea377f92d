// The viewer of the Segment page; viewer.py says what a value holds, and what it is told and triggers.
// A pixel {x, y} counts pixels of the display copy; `place` turns it into the picture's own.

build(`
  <div class="viewer" data-empty>
    <div class="stage" role="application" tabindex="0">
      <img class="before" draggable="false">
      <div class="after" role="img"><canvas class="fill"></canvas><canvas class="outline"></canvas></div>
      <div class="mark" hidden></div>
      <div class="divider" role="slider" tabindex="0" aria-orientation="horizontal"
           aria-valuemin="0" aria-valuemax="100">
        <div class="grip"><svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M9 5v14l-7-7zM15 5v14l7-7z"/></svg></div>
      </div>
      <p class="empty" data-text="empty"></p>
    </div>
    <p class="caption" data-text="divider"></p>
    <p class="readout"></p>
    <p class="spoken" role="status"></p>
  </div>`);

const root = find(".viewer");
const stage = find(".stage");
const divider = find(".divider");
const mark = find(".mark");

stage.setAttribute("aria-label", text("stage"));
divider.setAttribute("aria-label", text("divider"));
find(".before").alt = text("picture");
find(".after").setAttribute("aria-label", text("segmentation"));

let result = null; // the latest value: what all its slices have in common
let slices = new Map(); // those of the result that are there, by number
let shown = null; // one of them: its value, decoded
let view = { threshold: 0.5, opacity: 0.6, style: "fill", slice: 1 };
let pin = null;
let cursor = null;
let position = 50; // of the divider, in percent from the left

// --- values ---------------------------------------------------------------------------------

async function receive() {
  const value = props.value || null;
  if (value && result && value.made < result.made) return; // of an earlier result
  if (value?.made !== result?.made) {
    slices = new Map();
    if (value) view = { ...view, threshold: value.threshold, slice: value.slice };
  }
  result = value;
  if (!value) return show(null);
  const decoded = await decode(value);
  if (value.made !== result?.made) return; // another has come meanwhile
  slices.set(value.slice, decoded);
  if (value.slice === view.slice) show(decoded);
}

// Picture and planes, so that both are there at once: {…, keys, probe: {ids: [plane, …], shares, void}}.
// A pixel's key is its likeliest id or, of a binary task, its probability in per mille; or void.
async function decode(value) {
  const image = new Image();
  image.src = value.picture;
  const [probe] = await Promise.all([unpack(value), image.decode()]);
  const keys = probe.ids[0]?.slice() ?? perMille(probe.shares[0]);
  const none = labelOfKeys(probe, 0).lastIndexOf(VOID);
  if (probe.void) for (let at = 0; at < keys.length; at++) if (probe.void[at]) keys[at] = none;
  return { ...value, probe, keys };
}

async function unpack({ columns, rows, planes: { ids, shares, void: unlabelled, data } }) {
  const packed = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const size = columns * rows;
  const plane = (index) => bytes.subarray(index * size, (index + 1) * size);
  return {
    ids: Array.from({ length: ids }, (_, rank) => plane(rank)),
    shares: Array.from({ length: shares }, (_, rank) => ({
      high: plane(ids + 2 * rank),
      low: plane(ids + 2 * rank + 1),
    })),
    void: unlabelled && plane(ids + 2 * shares),
  };
}

function perMille({ high, low }) {
  const values = new Uint16Array(high.length);
  for (let at = 0; at < values.length; at++) values[at] = high[at] * 256 + low[at];
  return values;
}

function show(slice) {
  const sameSize = shown && slice && shown.width === slice.width && shown.height === slice.height;
  if (!sameSize) pin = cursor = null;
  shown = slice;
  root.toggleAttribute("data-empty", !shown);
  if (shown) {
    root.style.setProperty("--ratio", shown.width / shown.height);
    find(".before").src = shown.picture;
    chooseRendering();
  }
  paint();
  refresh();
}

// --- painting -------------------------------------------------------------------------------

const VOID = 255; // the label that nobody decided
const WHITE = 0xffffffff; // as bytes: red, green, blue, alpha from the lowest on
const BLACK = 0xff000000;
const RESTED_MS = 400;

let rest = 0;

root.addEventListener("look", ({ detail: { scored, ...wanted } }) => {
  const before = view;
  view = { ...view, ...wanted };
  view.slice = clamp(Math.round(view.slice) || 1, result?.slices ?? 1, 1);
  const same = before.threshold === view.threshold && before.slice === view.slice;
  if (before.slice === view.slice) paint();
  else if (slices.has(view.slice)) show(slices.get(view.slice));
  else if (result) trigger("ask");
  if (same || !scored) return;
  clearTimeout(rest);
  rest = setTimeout(() => trigger("rested"), RESTED_MS);
});

// The label of each key; the last one is void's.
function labelOfKeys(probe, threshold) {
  if (probe.ids.length) return Uint8Array.from({ length: VOID + 1 }, (_, id) => id);
  const level = Math.round(threshold * 1e6) / 1e3;
  const labels = Uint8Array.from({ length: 1002 }, (_, share) => (share >= level ? 1 : 0));
  labels[1001] = VOID;
  return labels;
}

const LAYERS = [
  { canvas: find(".fill"), style: "outline", draw: fill },
  { canvas: find(".outline"), style: "fill", draw: outline },
];

// Each layer only if it is seen, and if something else is to be seen on it than before.
function paint() {
  if (!shown) return tell([]);
  root.style.setProperty("--opacity", view.opacity);
  for (const layer of LAYERS) {
    layer.canvas.hidden = view.style === layer.style; // the style that does without it
    const drawn = layer.shown === shown && layer.threshold === view.threshold;
    if (layer.canvas.hidden || drawn) continue;
    Object.assign(layer, { shown, threshold: view.threshold });
    const { columns, rows } = shown;
    Object.assign(layer.canvas, { width: columns, height: rows });
    const image = new ImageData(columns, rows);
    layer.draw(new Uint32Array(image.data.buffer), labelOfKeys(shown.probe, view.threshold));
    layer.canvas.getContext("2d").putImageData(image, 0, 0);
  }
  tell(legend());
}

function fill(pixels, labels) {
  const { keys, palette, background } = shown;
  const colours = Uint32Array.from(labels, (label) => {
    const [red, green, blue] = palette[label] ?? shown.void;
    return label === background ? 0 : BLACK | (blue << 16) | (green << 8) | red;
  });
  for (let at = 0; at < pixels.length; at++) pixels[at] = colours[keys[at]];
}

// White within black, so that it shows on any picture: both pixels of each pair of unlike neighbours.
// Without a branch for the border, which a frame of like labels stands around, nor for each neighbour:
// those of a noisy picture cannot be foreseen, and would take ten times as long.
function outline(pixels, labels) {
  const { keys, columns, rows } = shown;
  const wide = columns + 2;
  const ids = new Uint8Array(wide * (rows + 2));
  const edges = new Uint8Array(ids.length);
  for (let y = 0; y < rows; y++) {
    const from = y * columns;
    const to = (y + 1) * wide + 1;
    for (let x = 0; x < columns; x++) ids[to + x] = labels[keys[from + x]];
    ids[to - 1] = ids[to];
    ids[to + columns] = ids[to + columns - 1];
  }
  ids.copyWithin(0, wide, 2 * wide);
  ids.copyWithin((rows + 1) * wide, rows * wide, (rows + 1) * wide);
  for (let at = wide + 1; at < wide * (rows + 1) - 1; at++) {
    const id = ids[at];
    edges[at] =
      (id ^ ids[at - 1]) | (id ^ ids[at + 1]) | (id ^ ids[at - wide]) | (id ^ ids[at + wide]);
  }
  for (let y = 1; y <= rows; y++) edges[y * wide] = edges[y * wide + columns + 1] = 0;
  for (let y = 0, to = 0; y < rows; y++) {
    for (let at = (y + 1) * wide + 1, end = at + columns; at < end; at++, to++) {
      const near = edges[at - 1] | edges[at + 1] | edges[at - wide] | edges[at + wide];
      pixels[to] = edges[at] ? WHITE : near ? BLACK : 0;
    }
  }
}

// The classes that occur, the largest first: [{name, colour, share, confidence}, …].
function legend() {
  const { tally, classes, palette, probe } = shown;
  const labels = labelOfKeys(probe, view.threshold);
  const entries = classes.map((name, label) => ({ name, colour: palette[label], pixels: 0, sum: 0 }));
  tally.counts.forEach((pixels, key) => {
    const entry = entries[labels[key]];
    const sum = tally.sums[key]; // of a binary task, always P(label 1)
    entry.pixels += pixels;
    entry.sum += probe.ids.length || labels[key] ? sum : pixels - sum;
  });
  const all = shown.width * shown.height;
  return entries
    .filter(({ pixels }) => pixels)
    .sort((one, other) => other.pixels - one.pixels)
    .map(({ name, colour, pixels, sum }) => ({
      name, colour, share: pixels / all, confidence: sum / pixels,
    }));
}

// The legend's own component hears it.
function tell(entries) {
  root.dispatchEvent(new CustomEvent("legend", { detail: entries, bubbles: true }));
}

// --- read-out -------------------------------------------------------------------------------

function place({ x, y }) {
  return {
    x: Math.floor(((x + 0.5) * shown.width) / shown.columns),
    y: Math.floor(((y + 0.5) * shown.height) / shown.rows),
  };
}

// What is known of a pixel, likeliest first: [{colour, words}, …].
function facts({ x, y }) {
  const { probe, keys } = shown;
  const at = y * shown.columns + x;
  const share = (rank) => (probe.shares[rank].high[at] * 256 + probe.shares[rank].low[at]) / 1000;
  const name = (id) => text(`class:${shown.classes[id]}`) ?? shown.classes[id] ?? `${id}`;
  if (!probe.ids.length) {
    const middle = (keys[at] + 0.5) / 1000; // of those that were rounded down to it
    const words = text("probability", { name: name(1), p: middle.toFixed(2) });
    return [{ colour: shown.palette[1], words }];
  }
  return probe.ids.map((plane, rank) => {
    const id = plane[at];
    const words = text("share", { name: name(id), percent: (share(rank) * 100).toFixed(1) });
    return { colour: shown.palette[id], words };
  });
}

function factNode({ colour, words }, index, all) {
  const node = document.createElement("span");
  const chip = document.createElement("span");
  node.className = "fact";
  chip.className = "chip";
  chip.style.background = `rgb(${colour ?? [128, 128, 128]})`;
  node.append(chip, words, index < all.length - 1 ? "," : "");
  return node;
}

function refresh() {
  const pixel = pin ?? cursor;
  const line = find(".readout");
  mark.hidden = !pixel;
  line.replaceChildren();
  if (!shown || !pixel) {
    line.textContent = shown ? text("hint") : "";
    return;
  }
  mark.style.left = `${((pixel.x + 0.5) / shown.columns) * 100}%`;
  mark.style.top = `${((pixel.y + 0.5) / shown.rows) * 100}%`;
  line.append(text(pin ? "pinned" : "place", place(pixel)));
  facts(pixel).map(factNode).forEach((node, index) => line.append(index ? " " : " — ", node));
}

// Screen readers hear what the keyboard does, not every move of a mouse.
function speak() {
  find(".spoken").textContent = find(".readout").textContent;
}

function clamp(value, last, first = 0) {
  return Math.min(Math.max(value, first), last);
}

function inside(x, y) {
  return { x: clamp(x, shown.columns - 1), y: clamp(y, shown.rows - 1) };
}

function pixelUnder(event) {
  const box = stage.getBoundingClientRect();
  return inside(
    Math.floor(((event.clientX - box.left) / box.width) * shown.columns),
    Math.floor(((event.clientY - box.top) / box.height) * shown.rows),
  );
}

function togglePin(pixel) {
  pin = pin && pin.x === pixel.x && pin.y === pixel.y ? null : pixel;
  refresh();
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function stageKey(event) {
  if (!shown || event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
  const from = pin ?? cursor ?? { x: shown.columns >> 1, y: shown.rows >> 1 };
  if (event.key in ARROWS) {
    const [dx, dy] = ARROWS[event.key].map((step) => step * (event.shiftKey ? 10 : 1));
    cursor = inside(from.x + dx, from.y + dy);
    pin = null;
    refresh();
  } else if (event.key === "Enter" || event.key === " ") {
    togglePin(from);
  } else {
    return;
  }
  event.preventDefault();
  speak();
}

stage.addEventListener("keydown", stageKey);
element.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  pin = cursor = null;
  refresh();
});
stage.addEventListener("pointermove", (event) => {
  if (!shown) return;
  cursor = pixelUnder(event);
  refresh();
});
stage.addEventListener("pointerleave", () => {
  cursor = null;
  refresh();
});
stage.addEventListener("click", (event) => {
  if (shown && !divider.contains(event.target)) togglePin(pixelUnder(event));
});

// --- divider --------------------------------------------------------------------------------

function moveDivider(percent) {
  position = clamp(percent, 100);
  const rounded = Math.round(position);
  root.style.setProperty("--divider", `${position}%`);
  divider.setAttribute("aria-valuenow", rounded);
  divider.setAttribute("aria-valuetext", text("divider value", { percent: rounded }));
}

const STEPS = {
  ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1,
  PageDown: -10, PageUp: 10, Home: -100, End: 100,
};

divider.addEventListener("keydown", (event) => {
  if (!(event.key in STEPS) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  moveDivider(Math.round(position) + STEPS[event.key] * (event.shiftKey ? 10 : 1));
});
divider.addEventListener("pointerdown", (event) => {
  divider.setPointerCapture(event.pointerId);
});
divider.addEventListener("pointermove", (event) => {
  if (!divider.hasPointerCapture(event.pointerId)) return;
  const box = stage.getBoundingClientRect();
  moveDivider(((event.clientX - box.left) / box.width) * 100);
});

// --- size -----------------------------------------------------------------------------------

// Enlarged pixels stay square; a picture shown smaller than it is keeps the browser's smoothing.
function chooseRendering() {
  const pixels = stage.clientWidth * devicePixelRatio;
  root.toggleAttribute("data-enlarged", Boolean(shown) && pixels >= shown.columns);
}

new ResizeObserver(chooseRendering).observe(stage);

moveDivider(position);
watch("value", receive);
receive();
