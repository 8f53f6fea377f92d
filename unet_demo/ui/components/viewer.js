// The viewer of the Segment page; viewer.py says what a value holds.
// A pixel {x, y} counts pixels of the display copy; `place` turns it into the picture's own.

build(`
  <div class="viewer" data-empty>
    <div class="stage" role="application" tabindex="0">
      <img class="before" draggable="false">
      <img class="after" draggable="false">
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
find(".after").alt = text("segmentation");

let shown = null; // the value in full: a repaint is merged into it
let probe = null; // {ids: [plane, …], shares: [{high, low}, …]}, planes of shown.columns × rows
let pin = null;
let cursor = null;
let position = 50; // of the divider, in percent from the left

// --- values ---------------------------------------------------------------------------------

function receive() {
  const value = props.value || null;
  if (value?.repaint) repaint(value);
  else show(value);
}

function repaint({ token, overlay }) {
  if (shown?.token === token) {
    shown = { ...shown, overlay };
    find(".after").src = overlay;
  }
  props.value = shown; // so that the whole is there should Gradio mount the component anew
}

function show(value) {
  const sameSize = shown && value && shown.width === value.width && shown.height === value.height;
  const former = shown?.probe.data;
  if (!sameSize) pin = cursor = null;
  shown = value;
  root.toggleAttribute("data-empty", !shown);
  if (shown) {
    root.style.setProperty("--ratio", shown.width / shown.height);
    find(".before").src = shown.picture;
    find(".after").src = shown.overlay;
    chooseRendering();
  }
  if (shown?.probe.data !== former) readProbe(shown);
  refresh();
}

async function readProbe(value) {
  probe = null;
  if (!value) return;
  const planes = await unpack(value);
  if (shown?.probe.data !== value.probe.data) return; // another picture has come meanwhile
  probe = planes;
  refresh();
}

async function unpack({ columns, rows, probe: { ids, shares, data } }) {
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
  };
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
  if (!probe) return [];
  const at = y * shown.columns + x;
  const share = (rank) => (probe.shares[rank].high[at] * 256 + probe.shares[rank].low[at]) / 1000;
  const name = (id) => text(`class:${shown.classes[id]}`) ?? shown.classes[id] ?? `${id}`;
  if (!probe.ids.length) {
    const words = text("probability", { name: name(1), p: share(0).toFixed(2) });
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

function clamp(value, last) {
  return Math.min(Math.max(value, 0), last);
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
