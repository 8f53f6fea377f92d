// The viewer of the Segment page; viewer.py says what a value holds, and what it is told and triggers.
// A pixel {x, y} counts pixels of the display copy; `place` turns it into the picture's own.

build(`
  <div class="viewer" data-empty>
    <div class="stage" role="application" tabindex="0">
      <div class="pane">
        <img class="before" draggable="false">
        <div class="after" role="img">
          <img class="painted" alt="" draggable="false" hidden>
          <canvas class="fill"></canvas><canvas class="outline"></canvas><canvas class="errors"></canvas>
        </div>
        <div class="names"></div>
        <div class="marks"><div class="mark" hidden></div></div>
      </div>
      <div class="divider" role="slider" tabindex="0" aria-orientation="horizontal"
           aria-valuemin="0" aria-valuemax="100">
        <div class="grip"><svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M9 5v14l-7-7zM15 5v14l7-7z"/></svg></div>
      </div>
      <button type="button" class="unzoom" hidden></button>
      <p class="empty" data-text="empty"></p>
    </div>
    <div class="foot">
      <p class="readout"></p>
      <div class="layers" role="radiogroup" hidden></div>
    </div>
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
find(".layers").setAttribute("aria-label", text("layers"));

let result = null; // the latest value: what all its slices have in common
let slices = new Map(); // those of the result that are there, by number
let shown = null; // one of them: its value, decoded
let view = { threshold: 0.5, opacity: 0.6, style: "fill", slice: 1 };
let pin = null;
let cursor = null;
let position = 50; // of the divider, in percent from the left
let layer = "mask"; // what lies to the right of it: one of LAYERS

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
  if (value.slice !== view.slice) return;
  layer = value.layer ?? layer;
  show(decoded);
  if (value.zoom) zoomOn(value);
}

// Picture and planes, so that both are there at once: {…, keys, probe: {ids: [plane, …], shares, void, truth}}.
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

async function unpack({ columns, rows, planes: { ids, shares, void: unlabelled, truth, data } }) {
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
    truth: truth && plane(ids + 2 * shares + (unlabelled ? 1 : 0)),
  };
}

function perMille({ high, low }) {
  const values = new Uint16Array(high.length);
  for (let at = 0; at < values.length; at++) values[at] = high[at] * 256 + low[at];
  return values;
}

function show(slice) {
  const sameSize = shown && slice && shown.width === slice.width && shown.height === slice.height;
  if (!sameSize) {
    pin = cursor = null;
    zoomTo({ scale: 1, x: 0, y: 0 });
  }
  shown = slice;
  root.toggleAttribute("data-empty", !shown);
  if (shown) {
    root.style.setProperty("--ratio", shown.width / shown.height);
    find(".before").src = shown.picture;
    if (shown.painted) find(".painted").src = shown.painted;
    chooseRendering();
  }
  offerLayers();
  paint();
  refresh();
  tellHistory();
}

// What of the view has no control on the page, see history.js.
function tellHistory() {
  if (!shown) return;
  const near = zoom.scale > 1 ? { zoom: Number(zoom.scale.toFixed(2)), ...middle() } : { zoom: null, x: null, y: null };
  const values = { layer: layer === "mask" ? null : layer, ...near };
  document.dispatchEvent(new CustomEvent("settings", { detail: { page: "segment", values } }));
}

// --- painting -------------------------------------------------------------------------------

const VOID = 255; // the label that nobody decided
const WHITE = 0xffffffff; // as bytes: red, green, blue, alpha from the lowest on
const BLACK = 0xff000000;
const VEIL = 0x80c0c0c0;
const RED = 0xff1e1ee6;
const RESTED_MS = 400;

let rest = 0;

root.addEventListener("look", ({ detail: { scored, ...wanted } }) => {
  const before = view;
  view = { ...view, ...wanted };
  view.slice = clamp(Math.round(view.slice) || 1, 1, result?.slices ?? 1);
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

const LAYERS = { mask: () => true, errors: ({ probe }) => probe.truth, painted: ({ painted }) => painted };

const CANVASES = [
  { canvas: find(".fill"), seen: () => layer === "mask" && view.style !== "outline", draw: fill },
  { canvas: find(".outline"), seen: () => layer === "mask" && view.style !== "fill", draw: outline },
  { canvas: find(".errors"), seen: () => layer === "errors", draw: errors },
];

// Each canvas only if it is seen, and if something else is to be seen on it than before.
function paint() {
  if (!shown) return tell([]);
  root.style.setProperty("--opacity", view.opacity);
  find(".painted").hidden = layer !== "painted";
  const labels = labelOfKeys(shown.probe, view.threshold);
  for (const one of CANVASES) {
    one.canvas.hidden = !one.seen();
    const drawn = one.shown === shown && one.threshold === view.threshold;
    if (one.canvas.hidden || drawn) continue;
    Object.assign(one, { shown, threshold: view.threshold });
    const { columns, rows } = shown;
    Object.assign(one.canvas, { width: columns, height: rows });
    const image = new ImageData(columns, rows);
    one.draw(new Uint32Array(image.data.buffer), labels);
    one.canvas.getContext("2d").putImageData(image, 0, 0);
  }
  writeNames(layer === "errors" ? [] : labels);
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

// What is wrong in red, over a paler picture; where nobody knows better, nothing is.
function errors(pixels, labels) {
  const { keys, probe } = shown;
  for (let at = 0; at < pixels.length; at++) {
    const label = labels[keys[at]];
    const right = label === probe.truth[at] || probe.truth[at] === VOID || label === VOID;
    pixels[at] = right ? VEIL : RED;
  }
}

// What there is to choose from, if it is more than the mask.
function offerLayers() {
  const offered = shown ? Object.keys(LAYERS).filter((name) => LAYERS[name](shown)) : [];
  if (!offered.includes(layer)) layer = "mask";
  const box = find(".layers");
  box.hidden = offered.length < 2;
  if (`${offered}` !== box.dataset.offered) {
    box.dataset.offered = offered;
    box.replaceChildren(...offered.map(layerChoice));
  }
  for (const radio of box.querySelectorAll("input")) radio.checked = radio.value === layer;
}

const GROUP = `layer-${Math.random()}`;

function layerChoice(name) {
  const choice = document.createElement("label");
  const radio = Object.assign(document.createElement("input"), {
    type: "radio", name: GROUP, value: name,
  });
  radio.addEventListener("change", () => {
    layer = name;
    paint();
    tellHistory();
  });
  choice.append(radio, Object.assign(document.createElement("span"), { textContent: text(name) }));
  return choice;
}

// --- names on the picture -------------------------------------------------------------------

const GRID = 96; // cells of the longer side, in which places for the names are looked for
const LEAST = 1 / 300; // of the cells, for a patch to be named
const NAMED = 8;

// Each class's name in the middle of its largest patch.
function writeNames(labels) {
  const names = labels.length ? places(labels) : [];
  find(".names").replaceChildren(
    ...names.map(({ label, x, y }) => {
      const node = document.createElement("span");
      node.textContent = nameOf(label);
      node.style.cssText = `left: ${x * 100}%; top: ${y * 100}%; --colour: rgb(${shown.palette[label]})`;
      return node;
    }),
  );
}

// Of each class but the background the largest patch, at its point farthest from any other class.
function places(labels) {
  const { keys, columns, rows, background } = shown;
  const step = Math.ceil(Math.max(columns, rows) / GRID);
  const wide = Math.floor(columns / step) + 2; // with a frame of no class around
  const high = Math.floor(rows / step) + 2;
  const cells = new Uint8Array(wide * high).fill(VOID);
  for (let y = 0; y < high - 2; y++) {
    for (let x = 0; x < wide - 2; x++) {
      const key = keys[(y * step + (step >> 1)) * columns + x * step + (step >> 1)];
      cells[(y + 1) * wide + x + 1] = labels[key];
    }
  }
  const depth = depths(cells, wide);
  const largest = new Map();
  const seen = new Uint8Array(cells.length);
  for (let start = 0; start < cells.length; start++) {
    const label = cells[start];
    if (seen[start] || label === VOID || label === background) continue;
    const patch = [start];
    seen[start] = 1;
    for (let next = 0; next < patch.length; next++) {
      for (const aside of [-1, 1, -wide, wide]) {
        const at = patch[next] + aside;
        if (seen[at] || cells[at] !== label) continue;
        seen[at] = 1;
        patch.push(at);
      }
    }
    if (patch.length > (largest.get(label)?.length ?? cells.length * LEAST)) largest.set(label, patch);
  }
  const patches = [...largest].sort(([, one], [, other]) => other.length - one.length);
  return patches.slice(0, NAMED).map(([label, patch]) => {
    const at = patch.reduce((best, cell) => (depth[cell] > depth[best] ? cell : best));
    const x = ((at % wide) - 0.5) / (wide - 2);
    return { label, x, y: (Math.floor(at / wide) - 0.5) / (high - 2) };
  });
}

// How many steps each cell is from one of another class: there and back over the grid.
function depths(cells, wide) {
  const depth = new Uint16Array(cells.length);
  const deepen = (at, one, other) => {
    const near = [one, other].map((from) => (cells[from] === cells[at] ? depth[from] + 1 : 1));
    return Math.min(...near);
  };
  for (let at = wide; at < cells.length; at++) {
    if (cells[at] !== VOID) depth[at] = deepen(at, at - 1, at - wide);
  }
  for (let at = cells.length - wide - 1; at >= 0; at--) {
    if (cells[at] !== VOID) depth[at] = Math.min(depth[at], deepen(at, at + 1, at + wide));
  }
  return depth;
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
  const right = probe.truth?.[at];
  const known = right === undefined || right === VOID ? [] : [right];
  const truth = known.map((id) => ({
    colour: shown.palette[id],
    words: text("right", { name: nameOf(id) }),
  }));
  if (!probe.ids.length) {
    const middle = (keys[at] + 0.5) / 1000; // of those that were rounded down to it
    const words = text("probability", { name: nameOf(1), p: middle.toFixed(2) });
    return [{ colour: shown.palette[1], words }, ...truth];
  }
  const ranked = probe.ids.map((plane, rank) => {
    const id = plane[at];
    const words = text("share", { name: nameOf(id), percent: (share(rank) * 100).toFixed(1) });
    return { colour: shown.palette[id], words };
  });
  return [...ranked, ...truth];
}

function nameOf(id) {
  return text(`class:${shown.classes[id]}`) ?? shown.classes[id] ?? `${id}`;
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

const HOVERS = matchMedia("(hover: hover)");

function refresh() {
  const pixel = pin ?? cursor;
  const line = find(".readout");
  mark.hidden = !pixel;
  line.replaceChildren();
  if (!shown || !pixel) {
    line.textContent = shown ? text(HOVERS.matches ? "hint" : "touch") : "";
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

function inside(x, y) {
  return { x: clamp(x, 0, shown.columns - 1), y: clamp(y, 0, shown.rows - 1) };
}

function pixelUnder(event) {
  const { x, y } = spot(event);
  const across = (x - zoom.x) / zoom.scale;
  const down = (y - zoom.y) / zoom.scale;
  return inside(Math.floor(across * shown.columns), Math.floor(down * shown.rows));
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
    bringInSight(onStage(cursor));
    refresh();
  } else if (event.key in ZOOMS) {
    bringInSight(onStage(from));
    zoomAt(onStage(from), ZOOMS[event.key]);
    find(".spoken").textContent = find(".unzoom").textContent || "1×";
    return event.preventDefault();
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
stage.addEventListener("pointerleave", () => {
  cursor = null;
  refresh();
});
stage.addEventListener("click", (event) => {
  const apart = event.target.closest(".divider, .unzoom");
  if (shown && !apart && !dragged) togglePin(pixelUnder(event));
});

// --- zoom -----------------------------------------------------------------------------------

const DRAG_PX = 4; // a press that moves less is a click

startZoom(stage);

function zoomed() {
  root.toggleAttribute("data-near", zoom.scale > 1);
  chooseRendering();
  tellHistory();
}

// The picture's pixel in the middle of the stage.
function middle() {
  const at = (corner, size) => clamp(Math.floor(((0.5 - corner) / zoom.scale) * size), 0, size - 1);
  return { x: at(zoom.x, shown.width), y: at(zoom.y, shown.height) };
}

function zoomOn({ zoom: times, x, y }) {
  const scale = clamp(times, 1, MOST_ZOOM);
  zoomTo({ scale, x: 0.5 - (scale * (x + 0.5)) / shown.width, y: 0.5 - (scale * (y + 0.5)) / shown.height });
}

function onStage({ x, y }) {
  return {
    x: zoom.x + (zoom.scale * (x + 0.5)) / shown.columns,
    y: zoom.y + (zoom.scale * (y + 0.5)) / shown.rows,
  };
}

// One finger or the mouse moves the picture, where that is larger than the stage; two fingers zoom.
const fingers = new Map();
let dragged = false;

stage.addEventListener("pointerdown", (event) => {
  if (!shown || event.target.closest(".divider, .unzoom")) return;
  if (!fingers.size) dragged = false;
  fingers.set(event.pointerId, { ...spot(event), clientX: event.clientX, clientY: event.clientY });
});

stage.addEventListener("pointermove", (event) => {
  if (!shown) return;
  const before = fingers.get(event.pointerId);
  const far = before && Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY);
  if (far > DRAG_PX || (before && dragged)) move(event, before);
  cursor = pixelUnder(event);
  refresh();
});

function move(event, before) {
  const now = spot(event);
  const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
  if (!other && zoom.scale === 1) return;
  dragged = true;
  stage.setPointerCapture(event.pointerId);
  moveAlong(before, now, other);
  fingers.set(event.pointerId, { ...now, clientX: event.clientX, clientY: event.clientY });
}

for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, ({ pointerId }) => fingers.delete(pointerId));
}

// --- divider --------------------------------------------------------------------------------

function moveDivider(percent) {
  position = clamp(percent, 0, 100);
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

// What the page does with it at first (segment.css) is done once, not whenever a tab shows the page again.
for (const end of ["animationend", "animationcancel"]) {
  stage.addEventListener(end, () => root.toggleAttribute("data-wiped", true));
}

// --- size -----------------------------------------------------------------------------------

// Enlarged pixels stay square; a picture shown smaller than it is keeps the browser's smoothing.
function chooseRendering() {
  const pixels = stage.clientWidth * devicePixelRatio * zoom.scale;
  root.toggleAttribute("data-enlarged", Boolean(shown) && pixels >= shown.columns);
}

new ResizeObserver(chooseRendering).observe(stage);

moveDivider(position);
watch("value", receive);
receive();
