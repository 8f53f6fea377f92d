// A picture, or a stack of them, whose pixels a person labels; paint.py says what a value holds. What is painted
// lives here, and here alone it is kept beyond a reload: a document's event `strokes` tells of it, see strokes.js.
// A document's event `prediction` lays one over the picture: neither the strokes nor the view feel it.

const TOOLS = ["stroke", "line", "fill", "erase", "move"];
const KEYS = { b: "stroke", l: "line", f: "fill", e: "erase", h: "move" };
const MOST_CLASSES = 8;
const LONGEST_NAME = 40;
const MOST_SIZE = 60;
const MOST_SENT = 1e6; // characters of labels in a message; one slice may have more, see guard.py

build(`
  <div class="paint tooled" data-empty>
    <div class="tools">
      <fieldset class="classes"><legend data-text="classes"></legend></fieldset>
      <button type="button" class="add">+</button>
      <button type="button" class="change" aria-expanded="false">${icon("edit")}</button>
      <div class="editor" hidden></div>
    </div>
    <div class="middle">
      <div class="rail">
        <fieldset class="kinds"><legend data-text="tools"></legend>
          ${TOOLS.map((tool) => choice("tool", tool, icon(tool))).join("")}
        </fieldset>
        <label class="sized"><span class="dot"></span><input class="size" type="range" min="1" max="${MOST_SIZE}"></label>
        <span class="deeds">
          <button type="button" class="undo" disabled>${icon("undo")}</button>
          <button type="button" class="redo" disabled>${icon("redo")}</button>
          <button type="button" class="clear" disabled>${icon("bin")}</button>
        </span>
      </div>
      <div class="room"><div class="stage">
        <div class="pane">
          <img class="picture" alt="" draggable="false">
          <canvas class="mask"></canvas><canvas class="doubt"></canvas>
          <canvas class="strokes" role="application" tabindex="0"></canvas>
          <div class="marks"><div class="here" hidden><span data-text="here"></span></div></div>
        </div>
        <div class="cursor" hidden></div>
        <button type="button" class="unzoom" hidden></button>
      </div></div>
    </div>
    <div class="foot">
      <label class="slice" hidden><span></span><input type="range" min="1" step="1"></label>
      <label class="opacity"><span data-text="mask"></span><input type="range" min="0" max="1" step="0.05" value="0.5"></label>
      <label class="doubts"><input type="checkbox" checked><span data-text="doubts"></span></label>
      <p class="told"></p><p class="sending"></p>
      <p class="again" hidden><button type="button" class="resume"></button><button type="button" class="forget">×</button></p>
    </div>
    <p class="spoken" role="status"></p>
  </div>`);

const root = find(".paint");
const stage = find(".stage");
const canvas = find(".strokes");
const context = canvas.getContext("2d");
const [undo, redo, clear, add, change, editor, cursor, here, size, told] = [
  ".undo", ".redo", ".clear", ".add", ".change", ".editor", ".cursor", ".here", ".size", ".told",
].map(find);

canvas.setAttribute("aria-label", text("canvas"));
for (const tool of TOOLS) name(find(`input[value=${tool}]`), tool);
for (const one of ["size", "undo", "redo", "clear", "add", "change", "forget"]) name(find(`.${one}`), one);
choose("tool", "stroke");

let shown = null; // the latest value: picture and slice
let wanted = 1; // the slice that was asked for
let classes = []; // their names, by id
let labels = new Map(); // slice → ids
let painted = new Map(); // slice → the same as {png, stamp}, of the slices with something painted
let heard = null; // what the server has of them, {edit, stamps}
let edits = 0; // what was done here, and told, so far
let past = []; // edits {patches: [{slice, box, before, after}], names: {before, after}}
let future = [];
let prediction = null; // {key, slice, ids, doubt}

// --- values ---------------------------------------------------------------------------------

let receiving = Promise.resolve();
let broughtLast = null; // number of the labels that were brought last

function receive() {
  receiving = receiving.then(take).catch(console.error);
}

async function take() {
  const value = props.value;
  if (!value || value === shown) return;
  const fresh = value.key !== shown?.key || value.made !== shown?.made;
  const brought = value.brought && (fresh || value.brought.number !== broughtLast);
  broughtLast = value.brought?.number;
  if (fresh) await begin(value);
  if (value.slice === wanted) await showSlice(value); // else it comes late
  if (brought) await bring(value.brought.labels, value.brought.classes);
  if (fresh) await recall().catch(() => {}); // the browser keeps nothing, see `keep`
  if (fresh && value.file) keepPicture(value).catch(() => tell("picture_not_kept"));
  if (fresh || brought) tellStrokes();
}

// Another picture: what was painted on the one before stays in the browser's keeping.
async function begin(value) {
  const sameSize = shown && shown.width === value.width && shown.height === value.height;
  if (!sameSize) zoomTo({ scale: 1, x: 0, y: 0 });
  Object.assign(canvas, { width: value.width, height: value.height });
  root.style.setProperty("--ratio", value.width / value.height);
  [labels, painted, past, future, prediction] = [new Map(), new Map(), [], [], null];
  heard = { edit: 0, stamps: {} };
  find(".sending").textContent = "";
  start = stroke = at = null;
  shown = value;
  wanted = value.slice;
  classes = [...value.classes];
  for (const [slice, png] of Object.entries(value.labels)) await put(Number(slice), png);
  size.value = Math.max(3, Math.round(Math.max(value.width, value.height) / 60));
  drawClasses();
  sizeCursor();
  paintMask();
}

async function put(slice, png) {
  const { width, height, ids } = await decodeIds(png);
  if (width !== shown.width || height !== shown.height) return;
  labels.set(slice, ids);
  painted.set(slice, { png, stamp: ++edits });
}

async function showSlice(value) {
  const image = new Image();
  image.src = value.picture;
  await image.decode();
  finish();
  shown = value;
  root.removeAttribute("data-empty");
  Object.assign(find(".picture"), { src: value.picture, alt: value.name });
  const line = find(".slice");
  line.hidden = value.slices === 1;
  Object.assign(line.querySelector("input"), { max: value.slices, value: value.slice });
  tellSlice();
  chooseRendering();
  redraw();
  refresh();
  paintMask();
}

function idsOf(slice = shown.slice) {
  if (!labels.has(slice)) labels.set(slice, new Uint8Array(shown.width * shown.height).fill(EMPTY));
  return labels.get(slice);
}

// Labels from elsewhere take the place of what was painted; that can be undone.
async function bring(pngs, names) {
  const patches = [];
  for (const [slice, png] of Object.entries(pngs)) {
    const { width, height, ids } = await decodeIds(png);
    if (width === shown.width && height === shown.height) patches.push(wholePatch(Number(slice), ids));
  }
  for (const slice of paintedSlices()) {
    if (!(slice in pngs)) patches.push(wholePatch(slice, new Uint8Array(shown.width * shown.height).fill(EMPTY)));
  }
  commit({ patches, names: { before: classes, after: names ?? classes } });
}

// Those with labels, encoded yet or not.
function paintedSlices() {
  return [...labels.keys()].filter((slice) => labels.get(slice).some((id) => id !== EMPTY));
}

function wholePatch(slice, after) {
  const box = { left: 0, top: 0, right: shown.width, bottom: shown.height };
  return { slice, box, before: idsOf(slice).slice(), after };
}

// --- what is told of the strokes, and kept ---------------------------------------------------

let encoding = Promise.resolve();

// After an edit of some slices.
function edited(slices) {
  encoding = encoding.then(async () => {
    const { key, width, height } = shown;
    for (const slice of slices) {
      const ids = labels.get(slice);
      const png = ids?.some((id) => id !== EMPTY) ? await encodeIds(ids, width, height) : null;
      if (key !== shown.key) return; // another picture has come meanwhile
      if (png) painted.set(slice, { png, stamp: ++edits });
      else painted.delete(slice);
    }
    keep();
    tellStrokes();
    refresh();
  });
}

// Of the labels that the server lacks, as many as a message may hold: what it answers brings on the next.
function tellStrokes() {
  const { made } = shown;
  const stamps = {};
  const parts = {};
  let length = 0;
  for (const [slice, { png, stamp }] of painted) {
    stamps[slice] = stamp;
    if (heard.stamps[slice] === stamp || (length && length + png.length > MOST_SENT)) continue;
    parts[slice] = png;
    length += png.length;
  }
  const detail = { made, edit: ++edits, slice: wanted, classes, stamps, labels: parts };
  document.dispatchEvent(new CustomEvent("strokes", { detail }));
}

document.addEventListener("heard", hearBack);

function hearBack({ detail }) {
  if (!element.isConnected) return document.removeEventListener("heard", hearBack);
  if (!detail || detail.made !== shown?.made || detail.edit < heard.edit) return;
  heard = detail;
  const count = [...painted].filter(([slice, { stamp }]) => heard.stamps[slice] !== stamp).length;
  if (count && heard.edit === edits) tellStrokes(); // else more is on its way, or painted meanwhile
  find(".sending").textContent = count ? text("sending", { count }) : "";
}

const MOST_KEPT = 100e6; // bytes of a picture's file
const encoded = () => Object.fromEntries([...painted].map(([slice, { png }]) => [slice, png]));

function keep() {
  const { key, name } = shown;
  const record = { key, name, classes, labels: encoded() };
  keepRecord("strokes", record).catch(() => tell("not_kept")); // the browser keeps nothing, or not so much
}

// A picture of one's own, so that a reload can open it once more: the file that the server has for this page.
async function keepPicture({ key, name, file: address }) {
  const file = (await kept("pictures", key))?.file ?? (await fetchFile(address));
  await keepRecord("pictures", { key, name, file });
}

async function fetchFile(address) {
  const answer = await fetch(address);
  const length = Number(answer.headers.get("content-length"));
  if (!answer.ok || length > MOST_KEPT) throw new Error(`${answer.status}: ${length} bytes`);
  return new File([await answer.blob()], decodeURIComponent(address).split("/").at(-1));
}

// The strokes that were painted on this picture before, in this browser; beside an example of ours, what else it keeps.
async function recall() {
  const { key } = shown;
  told.textContent = "";
  const own = await kept("strokes", key);
  if (own && JSON.stringify([own.labels, own.classes]) !== JSON.stringify([encoded(), classes])) {
    await bring(own.labels, own.classes);
    tell("back");
  }
  await offer();
}

let offered = null; // the picture that a press opens once more

async function offer() {
  const [last] = shown.file ? [] : await keptKeys("pictures");
  offered = last && (await kept("pictures", last));
  find(".again").hidden = !offered;
  find(".resume").textContent = offered ? text("resume", offered) : "";
}

find(".resume").addEventListener("click", () => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(offered.file);
  document.querySelector(`${shown.box} .upload-container`)?.dispatchEvent(new DragEvent("drop", { dataTransfer }));
});

find(".forget").addEventListener("click", async () => {
  for (const kind in KINDS) await forget(kind, offered.key);
  await offer();
  canvas.focus({ preventScroll: true });
});

function tell(key, places) {
  told.textContent = text(key, places);
}

// --- edits ----------------------------------------------------------------------------------

function commit(edit) {
  remember(past, edit);
  future = [];
  apply(edit, "after");
}

function apply({ patches, names }, side) {
  for (const patch of patches) paste(idsOf(patch.slice), shown.width, patch.box, patch[side]);
  if (names) {
    classes = names[side];
    drawClasses();
  }
  redraw();
  paintDoubt();
  edited(patches.map(({ slice }) => slice));
  refresh();
}

function step(from, to, side) {
  if (start) return;
  const edit = from.pop();
  if (!edit) return;
  to.push(edit);
  apply(edit, side);
  const slice = edit.patches[0]?.slice ?? shown.slice;
  if (slice !== wanted) ask(slice);
}

const takeBack = () => step(past, future, "before");
const bringBack = () => step(future, past, "after");

function refresh() {
  undo.disabled = !past.length;
  redo.disabled = !future.length;
  clear.disabled = !shown || !painted.has(shown.slice);
}

function clearSlice() {
  commit({ patches: [wholePatch(shown.slice, new Uint8Array(shown.width * shown.height).fill(EMPTY))] });
}

for (const [button, act] of [[undo, takeBack], [redo, bringBack], [clear, clearSlice]]) {
  button.addEventListener("click", () => {
    act();
    if (button.disabled) canvas.focus({ preventScroll: true });
  });
}

// --- drawing --------------------------------------------------------------------------------

const cell = () => Math.max(1, Math.round(Math.max(shown.width, shown.height) / 256));

function redraw(box = { left: 0, top: 0, right: shown.width, bottom: shown.height }) {
  if (box.right <= box.left || box.bottom <= box.top) return;
  const { width, height, palette } = shown;
  const around = grown(box, width, height);
  const image = coloured(idsOf(), width, around, palette, cell());
  context.putImageData(shade(image, idsOf(), width, around), around.left, around.top);
}

document.addEventListener("prediction", hearPrediction);

async function hearPrediction({ detail }) {
  if (!element.isConnected) return document.removeEventListener("prediction", hearPrediction);
  if (!detail) prediction = null;
  else {
    const [{ ids }, { ids: doubt }] = await Promise.all([detail.ids, detail.doubt].map(decodeIds));
    prediction = { key: detail.key, slice: detail.slice, ids, doubt };
  }
  paintMask();
}

// It is of this picture and slice; a slow answer may be of another.
function fits() {
  return shown && prediction?.key === shown.key && prediction.slice === shown.slice;
}

function paintMask() {
  const mask = find(".mask");
  mask.hidden = !fits();
  if (!mask.hidden) {
    const { width, height, palette } = shown;
    Object.assign(mask, { width, height });
    const box = { left: 0, top: 0, right: width, bottom: height };
    const image = coloured(prediction.ids, width, box, palette, cell(), shown.background);
    drawBorders(new Uint32Array(image.data.buffer), prediction.ids, width);
    mask.getContext("2d").putImageData(image, 0, 0);
  }
  paintDoubt();
}

// White, where one class ends and another begins.
function drawBorders(pixels, ids, width) {
  for (let at = 0; at < ids.length - width; at++) {
    if (ids[at] !== ids[at + width] || (ids[at] !== ids[at + 1] && (at + 1) % width)) pixels[at] = 0xffffffff;
  }
}

// Dots where the two best classes are near, and a ring round the place of most of them.
function paintDoubt() {
  if (start) return; // it does not move below the pen
  const canvas = find(".doubt");
  const place = fits() && find(".doubts input").checked;
  canvas.hidden = !place;
  const most = place && unsurePlace(prediction.doubt, idsOf(), shown.width, shown.height);
  here.hidden = !most;
  if (!place) return;
  const { width, height } = shown;
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const step = 4 * cell();
  for (let y = 0; y < height; y += step) {
    for (let x = 0; x < width; x += step) {
      if (prediction.doubt[y * width + x] > UNSURE) dot(pixels, width, x, y, cell());
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  if (!most) return;
  here.style.left = `${(most.x / width) * 100}%`;
  here.style.top = `${(most.y / height) * 100}%`;
  here.dataset.side = most.x > width * 0.6 ? "left" : "right";
}

function dot(pixels, width, x, y, side) {
  for (let down = 0; down < side; down++) pixels.fill(0xffffffff, (y + down) * width + x, (y + down) * width + x + side);
}

find(".opacity input").addEventListener("input", ({ target }) => root.style.setProperty("--opacity", target.value));
find(".doubts input").addEventListener("change", paintDoubt);

// --- classes --------------------------------------------------------------------------------

function nameOf(id) {
  return text(`class:${classes[id]}`) ?? classes[id];
}

function drawClasses() {
  const before = Number(chosen("class") ?? Math.min(1, classes.length - 1));
  const box = find(".classes");
  for (const label of box.querySelectorAll("label")) label.remove();
  classes.forEach((_, id) => {
    box.insertAdjacentHTML("beforeend", choice("class", id, `${swatch(id)}<kbd>${id + 1}</kbd><span></span>`));
    box.lastElementChild.querySelector("span").textContent = nameOf(id);
    box.lastElementChild.title = text("class", { number: id + 1, name: nameOf(id) });
  });
  choose("class", Math.min(before, classes.length - 1));
  add.disabled = classes.length >= MOST_CLASSES;
  if (!editor.hidden) drawEditor();
  colourCursor();
}

// A picture of a class's colour and pattern.
function swatch(id) {
  const side = 16;
  const ids = new Uint8Array(side * side).fill(id);
  const image = coloured(ids, side, { left: 0, top: 0, right: side, bottom: side }, shown.palette, 1);
  const paper = document.createElement("canvas");
  Object.assign(paper, { width: side, height: side });
  paper.getContext("2d").putImageData(image, 0, 0);
  return `<img class="swatch" alt="" src="${paper.toDataURL()}">`;
}

function drawEditor() {
  editor.replaceChildren(
    ...classes.map((_, id) => {
      const row = document.createElement("div");
      row.innerHTML = `${swatch(id)}<input type="text" maxlength="${LONGEST_NAME}"><button type="button">×</button>`;
      const [input, button] = [row.querySelector("input"), row.querySelector("button")];
      Object.assign(input, { value: nameOf(id), onchange: () => rename(id, input.value) });
      input.setAttribute("aria-label", text("rename", { number: id + 1 }));
      Object.assign(button, { disabled: classes.length <= 2, onclick: () => removeClass(id) });
      button.setAttribute("aria-label", text("remove", { name: nameOf(id) }));
      button.title = text("remove", { name: nameOf(id) });
      return row;
    }),
  );
}

function openEditor(open) {
  editor.hidden = !open;
  change.setAttribute("aria-expanded", open);
  if (open) drawEditor();
}

function setClasses(after, patches = []) {
  commit({ patches, names: { before: classes, after } });
}

// Two classes of one name could not be told apart.
function unlike(wish, others) {
  const letters = [...wish.trim()];
  const ended = (end) => letters.slice(0, LONGEST_NAME - end.length).join("") + end;
  let free = ended("");
  for (let number = 2; others.includes(free); number++) free = ended(` ${number}`);
  return free;
}

function rename(id, wish) {
  const others = classes.filter((_, other) => other !== id);
  const after = [...classes];
  after[id] = unlike(wish, others) || nameOf(id);
  if (after[id] !== nameOf(id)) setClasses(after);
  else drawEditor();
}

function addClass() {
  setClasses([...classes, unlike(text("unnamed", { number: classes.length + 1 }), classes)]);
  choose("class", classes.length - 1);
  colourCursor();
  openEditor(true);
  const field = editor.lastElementChild.querySelector("input");
  field.focus();
  field.select();
}

// What was painted in it is not painted any more, and the ids after it move up.
function removeClass(id) {
  const patches = paintedSlices().map((slice) =>
    wholePatch(slice, idsOf(slice).map((one) => (one === id ? EMPTY : one > id && one !== EMPTY ? one - 1 : one))),
  );
  setClasses(classes.filter((_, other) => other !== id), patches);
  editor.querySelector("input").focus();
}

add.addEventListener("click", addClass);
change.addEventListener("click", () => openEditor(editor.hidden));
element.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (!editor.contains(target) || !["Escape", "Enter"].includes(key) || target.matches("button")) return;
  event.preventDefault(); // else Enter presses what has the focus next
  target.blur();
  openEditor(false);
  change.focus();
});

// --- a stroke -------------------------------------------------------------------------------

let start = null; // where the stroke under way began
let last = null;
let stroke = null; // its {slice, box, before}: the slice as it was
let at = null; // the keyboard's place

function startStroke(point) {
  if (stroke) finish();
  stroke = { slice: shown.slice, box: null, before: idsOf().slice() };
  start = last = point;
  extend(point);
}

function extend(point) {
  const { width, height } = shown;
  const tool = chosen("tool");
  const id = tool === "erase" ? EMPTY : Number(chosen("class"));
  let box;
  if (tool === "fill") {
    if (stroke.box || !contains(point)) return;
    box = fillRegion(idsOf(), width, height, point, id);
  } else {
    if (tool === "line" && stroke.box) restore(stroke.box);
    box = drawLine(idsOf(), width, height, tool === "line" ? start : last, point, Number(size.value), id);
  }
  redraw(box);
  stroke.box = joined(stroke.box, box);
  last = point;
}

const contains = ({ x, y }) => x >= 0 && y >= 0 && x < shown.width && y < shown.height;

function restore(box) {
  paste(idsOf(), shown.width, box, cut(stroke.before, shown.width, box));
  redraw(box);
}

function finish() {
  if (!stroke) return;
  const { slice, box, before } = stroke;
  start = stroke = null;
  const clipped = box && box.right > box.left && box.bottom > box.top;
  const patch = clipped && { slice, box, before: cut(before, shown.width, box), after: cut(idsOf(slice), shown.width, box) };
  if (patch && patch.before.some((id, place) => id !== patch.after[place])) {
    told.textContent = "";
    commit({ patches: [patch] });
  }
}

function cancel() {
  if (!stroke) return;
  if (stroke.box) restore(stroke.box);
  start = stroke = null;
}

// --- pointers: one paints, two move and zoom -----------------------------------------------------

const pointers = new Map();
let penSeen = false; // then a finger moves the picture, and a hand that rests on it paints nothing
let penDown = null; // its pointer's id: beside a pen that is down, nothing else counts

function pointOf(event) {
  const { x, y } = spot(event);
  return { x: ((x - zoom.x) / zoom.scale) * shown.width, y: ((y - zoom.y) / zoom.scale) * shown.height };
}

function moves(event) {
  return chosen("tool") === "move" || event.button > 0 || (penSeen && event.pointerType === "touch");
}

canvas.addEventListener("pointerdown", (event) => {
  if (!shown || penDown !== null) return;
  if (event.pointerType === "pen") {
    penSeen = true;
    penDown = event.pointerId;
    cancel();
    pointers.clear();
  }
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, spot(event));
  if (pointers.size > 1) cancel();
  else if (!moves(event)) startStroke(pointOf(event));
});

canvas.addEventListener("pointermove", (event) => {
  if (!shown) return;
  placeCursor(event);
  const before = pointers.get(event.pointerId);
  if (!before) return;
  if (start) for (const one of event.getCoalescedEvents?.() ?? [event]) extend(pointOf(one));
  else drag(event, before);
});

function drag(event, before) {
  const now = spot(event);
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  pointers.set(event.pointerId, now);
  moveAlong(before, now, other);
}

// Tells whether it is one that counts.
function lifted(pointerId) {
  if (pointerId === penDown) penDown = null;
  return pointers.delete(pointerId);
}

canvas.addEventListener("pointerup", ({ pointerId }) => {
  if (lifted(pointerId) && start) finish();
});
canvas.addEventListener("pointercancel", ({ pointerId }) => {
  if (lifted(pointerId)) cancel();
});
canvas.addEventListener("pointerleave", () => (cursor.hidden = true));
canvas.addEventListener("contextmenu", (event) => event.preventDefault());

// --- the cursor: as large as the brush ------------------------------------------------------------

function placeCursor(event) {
  const { x, y } = spot(event);
  putCursor(x, y);
}

function putCursor(x, y) {
  cursor.hidden = ["fill", "move"].includes(chosen("tool"));
  cursor.style.left = `${x * 100}%`;
  cursor.style.top = `${y * 100}%`;
}

function sizeCursor() {
  if (!shown) return;
  const wide = (Number(size.value) / shown.width) * zoom.scale * stage.clientWidth;
  root.style.setProperty("--brush", `${Math.max(wide, 3)}px`);
  find(".dot").style.setProperty("--dot", `${Math.min(wide, 22)}px`);
  size.setAttribute("aria-valuetext", text("pixels", { count: size.value }));
}

function colourCursor() {
  const erases = chosen("tool") === "erase";
  const colour = erases ? "transparent" : `rgb(${shown?.palette[Number(chosen("class"))] ?? [0, 0, 0]})`;
  root.style.setProperty("--colour", colour);
  root.dataset.tool = chosen("tool");
}

size.addEventListener("input", sizeCursor);

// Who presses a tool with a pointer goes on with the keys of the picture.
find(".tools").addEventListener("change", colourCursor);
find(".rail").addEventListener("change", colourCursor);
for (const place of [".classes", ".rail"]) {
  find(place).addEventListener("click", ({ target, detail }) => {
    if (detail && target.type === "radio") canvas.focus({ preventScroll: true });
  });
}

// --- zoom -----------------------------------------------------------------------------------

startZoom(canvas);
stage.addEventListener("wheel", (event) => shown && placeCursor(event));

function zoomed() {
  chooseRendering();
}

// Enlarged pixels stay square; a picture that is shown smaller than it is keeps the browser's smoothing.
function chooseRendering() {
  const pixels = stage.clientWidth * devicePixelRatio * zoom.scale;
  root.toggleAttribute("data-enlarged", Boolean(shown) && pixels >= shown.width);
  sizeCursor();
}

new ResizeObserver(chooseRendering).observe(stage);

// --- slices ---------------------------------------------------------------------------------

function ask(slice) {
  const before = wanted;
  wanted = clamp(slice, 1, shown.slices);
  find(".slice input").value = wanted;
  tellSlice();
  if (wanted !== before) encoding = encoding.then(tellStrokes);
}

function tellSlice() {
  const range = find(".slice input");
  find(".slice span").textContent = text("slice", { number: range.value, count: shown.slices });
}

find(".slice input").addEventListener("input", ({ target }) => ask(Number(target.value)));

// --- keyboard -------------------------------------------------------------------------------

const STEP = 1 / 48; // of the longer side, that an arrow key moves

function onKey(event) {
  if (!element.isConnected) return document.removeEventListener("keydown", onKey);
  const typing = event.target.closest("input:not([type=radio], [type=range], [type=checkbox]), textarea, [role=combobox]");
  if (!shown || typing || event.altKey || event.defaultPrevented || !root.checkVisibility()) return;
  const key = event.key.toLowerCase();
  const control = event.ctrlKey || event.metaKey;
  if (key === "z") (event.shiftKey ? bringBack : takeBack)();
  else if (key === "y") bringBack();
  else if (control) return;
  else if (key in KEYS) pick("tool", KEYS[key]);
  else if (Number(key) >= 1 && Number(key) <= classes.length) pickClass(Number(key) - 1);
  else if (key === "[" || key === "]") resize(key === "]" ? 1 : -1);
  else if (key === "," || key === ".") ask(wanted + (key === "." ? 1 : -1));
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", onKey);

function pick(kind, value) {
  choose(kind, value);
  colourCursor();
  find(".spoken").textContent = kind === "class" ? nameOf(value) : text(value);
}

// Whoever names a class wants to paint it.
function pickClass(id) {
  if (chosen("tool") === "erase" || chosen("tool") === "move") choose("tool", "stroke");
  pick("class", id);
}

function resize(sign) {
  const now = Number(size.value);
  size.value = Math.max(1, Math.round(sign > 0 ? Math.max(now * 1.25, now + 1) : Math.min(now / 1.25, now - 1)));
  sizeCursor();
  find(".spoken").textContent = text("pixels", { count: size.value });
}

canvas.addEventListener("keydown", (event) => {
  if (!shown || event.altKey || event.ctrlKey || event.metaKey) return;
  const longer = Math.max(shown.width, shown.height);
  const stride = event.shiftKey ? 1 : longer * STEP;
  at ??= { x: shown.width / 2, y: shown.height / 2 };
  if (event.key in ARROWS) {
    const [dx, dy] = ARROWS[event.key];
    at = { x: clamp(at.x + dx * stride, 0, shown.width - 0.5), y: clamp(at.y + dy * stride, 0, shown.height - 0.5) };
    if (start) extend(at);
  } else if (event.key === "Enter") {
    if (start) finish();
    else if (chosen("tool") !== "move") startStroke(at);
    if (chosen("tool") === "fill") finish();
  } else if (event.key === "Escape" && start) {
    cancel();
  } else if (event.key in ZOOMS) {
    zoomAt(onStage(at), ZOOMS[event.key]);
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  showPlace();
  const places = { x: Math.floor(at.x), y: Math.floor(at.y) };
  find(".spoken").textContent = text(start ? "down" : "up", places);
});

function onStage({ x, y }) {
  return { x: zoom.x + (zoom.scale * x) / shown.width, y: zoom.y + (zoom.scale * y) / shown.height };
}

// Shows the keyboard's place.
function showPlace() {
  bringInSight(onStage(at));
  const { x, y } = onStage(at);
  putCursor(x, y);
  cursor.hidden = false;
}

canvas.addEventListener("blur", () => {
  cursor.hidden = true;
  if (!pointers.size) finish();
});

watch("value", receive);
receive();
