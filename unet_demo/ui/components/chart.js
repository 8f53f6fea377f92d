// The loss chart of the Train page; chart.py says what a value holds.
// A value comes whole; the series in it are parsed once and drawn at the next frame.

build(`
  <div class="chart" data-empty>
    <div class="top">
      <ul class="legend"></ul>
      <div class="scale" role="group">
        <button type="button" data-scale="linear" data-text="linear"></button>
        <button type="button" data-scale="log" data-text="log"></button>
      </div>
    </div>
    <div class="plot">
      <canvas role="img" tabindex="0"></canvas>
      <p class="notice"></p>
    </div>
    <p class="readout"></p>
    <p class="spoken" role="status" aria-live="polite"></p>
  </div>`);

const SPEAK_EVERY = 5000; // milliseconds between two summaries for screen readers
const TICK_ROOM = 4; // heights of a line of text that a tick of the x axis asks for
const HEADROOM = 1.25; // times the greatest training loss: a validation loss above it is clipped
const MARGIN = { left: 3.6, right: 1, top: 1.6, bottom: 1.7 }; // in heights of a line of text

// A line is told from another by colour, by dash and by the shape of its dots.
const FRONT = {
  train: { colour: "--front-training", dash: [], width: 1, alpha: 0.65 },
  trainAlone: { colour: "--front-training", dash: [], width: 2, alpha: 1 },
  smoothed: { colour: "--front-training", dash: [], width: 2.5, alpha: 1 },
  validation: { colour: "--front-validation", dash: [], width: 1.75, alpha: 1, dot: "circle" },
};
const BEHIND = [
  { colour: "--behind-1", dash: [7, 3], dot: "square" },
  { colour: "--behind-2", dash: [2, 2], dot: "triangle" },
  { colour: "--behind-3", dash: [10, 3, 2, 3], dot: "diamond" },
  { colour: "--behind-4", dash: [4, 4], dot: "cross" },
];
const REFERENCE = { colour: "--ink-soft", dash: [1.5, 4], width: 2, alpha: 1, cap: "round" };

const root = find(".chart");
const canvas = find("canvas");
const context = canvas.getContext("2d");
find(".scale").setAttribute("aria-label", text("scale"));

let runs = []; // front run last
let reference = null;
let scale = new URLSearchParams(location.search).get("scale") === "log" ? "log" : "linear";
let pointed = null; // the step under the pointer
let theme = readTheme();
let size = 15; // of the axes' text
let series = new Map(); // text of a line -> its points, for the lines now shown
let frame = null; // of the axes: {x0, x1, y0, y1, left, right, top, bottom}
let drawing = 0;
let legendKey = "";

// --- values ---------------------------------------------------------------------------------

document.addEventListener("address", ({ detail }) => (detail.unsaved ||= runs.length > 0 && !recorded));

function receive() {
  const value = currentValue() || { runs: [], reference: null };
  const former = series;
  series = new Map();
  const parse = (line) => {
    if (!line) return [];
    const [steps, losses] = former.get(line) ?? JSON.parse(line);
    series.set(line, [steps, losses]);
    return steps.map((step, index) => ({ step, loss: losses[index] }));
  };
  const read = (run) => ({
    ...run,
    train: parse(run.train),
    smoothed: parse(run.smoothed),
    validation: parse(run.validation),
  });
  runs = value.runs.map(read);
  reference = value.reference && read(value.reference);
  const live = runs.findLastIndex((run) => run.live);
  if (live >= 0) runs.push(...runs.splice(live, 1));
  dress();
  drawSoon();
}

// Gives each run its lines: {points, style, name}.
function dress() {
  runs.forEach((run, index) => {
    run.front = index === runs.length - 1;
    if (run.front) {
      run.lines = [
        { key: "training", points: run.train,
          style: run.smoothed.length ? FRONT.train : FRONT.trainAlone },
        { key: "smoothed", points: run.smoothed, style: FRONT.smoothed },
        { key: "validation", points: run.validation, style: FRONT.validation },
      ];
    } else {
      const look = { ...BEHIND[index % BEHIND.length], width: 1.25, alpha: 0.75, apart: 40 };
      const training = run.smoothed.length ? run.smoothed : run.train;
      run.lines = [
        { key: "training", points: training, style: { ...look, dot: null } },
        { key: "validation", points: run.validation, style: { ...look, width: 0.5 } },
      ];
    }
    run.lines = run.lines.filter((line) => line.points.length);
  });
}

function frontRun() {
  return runs[runs.length - 1];
}

function allLines() {
  const lines = runs.flatMap((run) => run.lines);
  if (reference) lines.push({ key: "reference", points: reference.train, style: REFERENCE });
  return lines;
}

// --- scales ---------------------------------------------------------------------------------

function niceStep(span, count) {
  const rough = span / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
}

function linearTicks(low, high, count) {
  const step = niceStep(high - low, count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) => (first + index) * step);
}

// Powers of ten; with 2 and 5 between them over a short range, or evenly over a very short one.
function logTicks(low, high, count) {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high, count);
  const every = Math.ceil(decades / count);
  const factors = decades > 2.5 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    if (power % every) continue;
    ticks.push(...factors.map((factor) => factor * 10 ** power));
  }
  return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}

// The ends of the loss axis; null where a log scale has nothing to show.
function lossRange(losses) {
  if (!losses.length) return [0.1, 1]; // a run that diverged at once
  if (scale === "log") {
    const positive = losses.filter((loss) => loss > 0);
    if (!positive.length) return null;
    const [low, high] = extent(positive);
    const room = Math.max((high / low) ** 0.05, 1.05);
    return [low / room, high * room];
  }
  const [least, high] = extent(losses);
  const low = Math.min(least, 0); // a loss is read against zero
  const room = (high - low || 1) * 0.05;
  return [low < 0 ? low - room : 0, high + room];
}

function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// The losses that set the scale: an early validation far above the training would press all else flat.
function scaling(lines) {
  const losses = (chosen) => chosen.flatMap((line) => line.points.map((point) => point.loss));
  const training = losses(lines.filter((line) => line.key !== "validation"));
  const most = training.length ? HEADROOM * extent(training)[1] : Infinity;
  return [...training, ...losses(lines).filter((loss) => loss <= most)];
}

function measure(width, height) {
  const points = allLines().flatMap((line) => line.points);
  const losses = lossRange(scaling(allLines()));
  if (!losses) return null;
  const ends = runs.map((run) => run.diverged ?? 0);
  const [first, last] = extent([...points.map((point) => point.step), ...ends.filter(Boolean)]);
  return {
    x0: first,
    x1: Math.max(last, first + 1),
    y0: losses[0],
    y1: losses[1],
    left: MARGIN.left * size,
    right: width - MARGIN.right * size,
    top: MARGIN.top * size,
    bottom: height - MARGIN.bottom * size,
  };
}

function toX(step) {
  return frame.left + ((step - frame.x0) / (frame.x1 - frame.x0)) * (frame.right - frame.left);
}

// NaN where a log scale has no place for the loss: the line breaks there.
function toY(loss) {
  const bend = scale === "log" ? Math.log : (value) => value;
  const part = (bend(loss) - bend(frame.y0)) / (bend(frame.y1) - bend(frame.y0));
  const y = frame.bottom - part * (frame.bottom - frame.top);
  return Number.isFinite(y) ? y : NaN;
}

function words(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}

// --- drawing --------------------------------------------------------------------------------

function readTheme() {
  const style = getComputedStyle(root);
  return {
    font: style.fontFamily,
    size: () => 1.07 * parseFloat(style.fontSize), // px: what a projector shows
    colour: (name) => style.getPropertyValue(name).trim(), // live: follows the theme by itself
  };
}

function drawSoon() {
  if (!drawing) drawing = requestAnimationFrame(draw);
}

function draw() {
  drawing = 0;
  const empty = !allLines().some((line) => line.points.length) && !runs.some((run) => run.diverged);
  root.toggleAttribute("data-empty", empty);
  find(".notice").textContent = empty ? text("empty") : "";
  canvas.setAttribute("aria-label", [text("chart"), summary()].filter(Boolean).join(": "));
  if (empty) return;
  if (!recorded) speakSoon(summary());
  drawLegend();
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width) return; // in a tab that is not shown; the observer calls again
  size = theme.size();
  sizeCanvas(width, height);
  context.clearRect(0, 0, width, height);
  frame = measure(width, height);
  if (!frame) {
    find(".notice").textContent = text("no positive");
    find(".readout").textContent = "";
    return;
  }
  drawAxes();
  if (reference) drawLine({ points: reference.train, style: REFERENCE });
  for (const run of runs) {
    run.lines.forEach(drawLine);
    if (run.diverged !== null) drawDivergence(run);
  }
  drawCrosshair();
  showReadout();
}

function sizeCanvas(width, height) {
  const ratio = devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
}

function drawAxes() {
  const { left, right, top, bottom } = frame;
  context.font = `${size}px ${theme.font}`;
  context.lineWidth = 1;
  context.setLineDash([]);
  context.strokeStyle = theme.colour("--rule");
  context.fillStyle = theme.colour("--ink-soft");
  context.textAlign = "right";
  context.textBaseline = "middle";
  const rows = Math.round((bottom - top) / (3.2 * size));
  const losses = (scale === "log" ? logTicks : linearTicks)(frame.y0, frame.y1, rows);
  for (const loss of losses) {
    const y = Math.round(toY(loss)) + 0.5;
    stroke([[left, y], [right, y]]);
    context.fillText(words(Number(loss.toPrecision(12))), left - 7, y);
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  const columns = Math.max(Math.floor((right - left) / (TICK_ROOM * size)), 2);
  const steps = linearTicks(frame.x0, frame.x1, Math.min(columns, frame.x1 - frame.x0));
  for (const step of steps.filter(Number.isInteger)) {
    const x = Math.round(toX(step)) + 0.5;
    stroke([[x, bottom], [x, bottom + 4]]);
    context.fillText(String(step), x, bottom + 7);
  }
  context.strokeStyle = theme.colour("--ink-soft");
  stroke([[left + 0.5, top], [left + 0.5, bottom + 0.5], [right, bottom + 0.5]]);
  context.textAlign = "left";
  context.fillText(text("step"), 2, bottom + 7);
  context.textBaseline = "bottom";
  context.fillText(text("loss"), 2, top - 6);
}

function stroke(corners) {
  context.beginPath();
  corners.forEach(([x, y]) => context.lineTo(x, y));
  context.stroke();
}

function pen(style) {
  context.strokeStyle = context.fillStyle = theme.colour(style.colour);
  context.globalAlpha = style.alpha;
  context.lineWidth = style.width;
  context.lineCap = style.cap ?? "butt";
  context.lineJoin = "round";
  context.setLineDash(style.dash);
}

// Above the axis there is a mark in place of the loss.
function isClipped(y) {
  return y < frame.top - 0.5;
}

function drawLine({ points, style }) {
  pen(style);
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top - 3, frame.right - frame.left + 5, frame.bottom - frame.top + 6);
  context.clip();
  context.beginPath();
  let down = false;
  for (const { step, loss } of points) {
    const y = toY(loss);
    if (Number.isNaN(y)) {
      down = false;
      continue;
    }
    if (down) context.lineTo(toX(step), y);
    else context.moveTo(toX(step), y);
    down = true;
  }
  context.stroke();
  context.restore();
  context.setLineDash([]);
  if (style.dot) drawDots(points, style);
  else if (points.length === 1) drawDots(points, { ...style, dot: "circle" });
  context.globalAlpha = 1;
}

// Every dot, or as many as keep apart, the last one always among them.
function drawDots(points, style) {
  const across = toX(points.at(-1).step) - toX(points[0].step);
  const every = Math.ceil((points.length * (style.apart ?? 9)) / Math.max(across, 1));
  const last = points.length - 1;
  points.forEach(({ step, loss }, index) => {
    if ((last - index) % every) return;
    const y = toY(loss);
    if (isClipped(y)) drawClipped(toX(step), loss);
    else if (!Number.isNaN(y)) drawDot(style.dot, toX(step), y, 3);
  });
}

// An arrow at the upper edge, and the loss beside it.
function drawClipped(x, loss) {
  drawDot("triangle", x, frame.top + 6, 5);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(words(loss), x + 9, frame.top + 6);
}

const SHAPES = {
  square: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  triangle: [[0, -1.2], [1.2, 1], [-1.2, 1]],
  diamond: [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]],
};

function drawDot(shape, x, y, size) {
  context.beginPath();
  if (shape === "circle") {
    context.arc(x, y, size, 0, 2 * Math.PI);
    context.fill();
  } else if (shape === "cross") {
    context.lineWidth = 2;
    for (const side of [-1, 1]) {
      context.moveTo(x - size, y - side * size);
      context.lineTo(x + size, y + side * size);
    }
    context.stroke();
  } else {
    SHAPES[shape].forEach(([dx, dy]) => context.lineTo(x + dx * size, y + dy * size));
    context.fill();
  }
}

function drawDivergence(run) {
  const line = run.lines.find(({ key }) => key === "smoothed") ?? run.lines[0];
  const end = line?.points.at(-1);
  const y = end && !Number.isNaN(toY(end.loss)) ? toY(end.loss) : (frame.top + frame.bottom) / 2;
  const x = toX(run.diverged);
  context.strokeStyle = context.fillStyle = theme.colour(run.front ? "--ink" : "--ink-soft");
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  stroke([[x, frame.top], [x, frame.bottom]]);
  context.setLineDash([]);
  context.lineWidth = 2;
  drawDot("cross", x, y, 5);
  const label = text("diverged", { step: run.diverged });
  const room = context.measureText(label).width + 8;
  context.textAlign = x + room > frame.right ? "right" : "left";
  context.textBaseline = "top";
  const row = runs.filter((other) => other.diverged !== null).indexOf(run);
  const at = Math.max(x + (context.textAlign === "right" ? -6 : 6), frame.left + 2);
  context.fillText(label, at, frame.top + 2 + 1.2 * size * row);
}

// --- pointer --------------------------------------------------------------------------------

// The point nearest to a step, of points that rise by step.
function nearest(points, step) {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].step < step) low = middle + 1;
    else high = middle;
  }
  const before = points[low - 1];
  return before && step - before.step < points[low].step - step ? before : points[low];
}

// The line whose steps the crosshair keeps to.
function leadingLine() {
  return frontRun()?.lines[0] ?? allLines().find((line) => line.points.length);
}

function shownStep() {
  const line = leadingLine();
  return line && nearest(line.points, pointed ?? Infinity).step;
}

// A run that ended earlier has no value at a later step.
function valueAt(line, step) {
  const within = step <= line.points.at(-1).step && step >= line.points[0].step;
  return within || pointed === null || line.key === "validation" ? nearest(line.points, step) : null;
}

function drawCrosshair() {
  if (pointed === null || !leadingLine()) return;
  const step = shownStep();
  const x = Math.round(toX(step)) + 0.5;
  context.strokeStyle = theme.colour("--ink-soft");
  context.lineWidth = 1;
  context.setLineDash([]);
  stroke([[x, frame.top], [x, frame.bottom]]);
  for (const line of allLines().filter(({ points }) => points.length)) {
    const point = valueAt(line, step);
    if (!point || Number.isNaN(toY(point.loss)) || isClipped(toY(point.loss))) continue;
    pen({ ...line.style, alpha: 1, dash: [], width: 2 });
    drawDot("circle", toX(point.step), toY(point.loss), 4);
    context.strokeStyle = theme.colour("--paper");
    context.stroke();
  }
}

function showReadout() {
  const step = shownStep();
  const parts = [];
  const note = (name, point) => {
    if (point) parts.push(text("read value", { name, value: words(point.loss) }));
  };
  for (const line of frontRun()?.lines ?? []) note(text(line.key), valueAt(line, step));
  for (const run of runs.slice(0, -1).reverse()) {
    if (run.lines.length) note(run.label, valueAt(run.lines[0], step));
  }
  if (reference?.train.length) note(reference.label, valueAt(allLines().at(-1), step));
  const start = step === undefined ? "" : `${text("read step", { step })} — `;
  find(".readout").textContent = start + parts.join(text("comma"));
}

function pointAt(event) {
  if (!frame) return;
  const x = event.clientX - canvas.getBoundingClientRect().left;
  pointed = frame.x0 + ((x - frame.left) / (frame.right - frame.left)) * (frame.x1 - frame.x0);
  drawSoon();
}

function pointNowhere() {
  pointed = null;
  drawSoon();
}

canvas.addEventListener("pointermove", pointAt);
canvas.addEventListener("pointerdown", pointAt);
// A finger that lifts leaves the read-out standing; a mouse that goes takes it along.
canvas.addEventListener("pointerleave", (event) => {
  if (event.pointerType === "mouse") pointNowhere();
});
canvas.addEventListener("blur", pointNowhere);
canvas.addEventListener("keydown", (event) => {
  const points = leadingLine()?.points;
  if (event.key === "Escape") pointNowhere();
  if (!points || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const at = points.findIndex((point) => point.step === shownStep());
  const stride = event.shiftKey ? 10 : 1;
  const to = { ArrowLeft: at - stride, ArrowRight: at + stride, Home: 0, End: points.length - 1 };
  pointed = points[Math.min(Math.max(to[event.key], 0), points.length - 1)].step;
  drawSoon();
});

// --- legend, scale switch, screen readers ------------------------------------------------------

function drawLegend() {
  const front = frontRun();
  const entries = (front?.lines ?? []).map(({ key, style }) => ({ label: text(key), style }));
  if (runs.length > 1) entries.unshift({ label: front.label });
  for (const run of runs.slice(0, -1).reverse()) {
    const look = run.lines.find(({ key }) => key === "validation") ?? run.lines[0];
    if (look) entries.push({ label: run.label, style: { ...look.style, width: 1.5 } });
  }
  if (reference) entries.push({ label: reference.label, style: REFERENCE });
  const key = JSON.stringify(entries);
  if (key === legendKey) return;
  legendKey = key;
  find(".legend").replaceChildren(...entries.map(legendItem));
}

function legendItem({ label, style }) {
  const item = document.createElement("li");
  if (!style) {
    item.className = "name";
    item.append(label);
    return item;
  }
  item.innerHTML = `<svg viewBox="0 0 34 14" aria-hidden="true"><path d="M0 7H34"/></svg>`;
  const line = item.querySelector("path");
  line.style.cssText = `
    stroke: var(${style.colour}); stroke-width: ${style.width}; opacity: ${style.alpha};
    stroke-dasharray: ${style.dash.join(" ") || "none"}; stroke-linecap: ${style.cap ?? "butt"}`;
  if (style.dot) line.after(legendDot(style));
  item.append(label);
  return item;
}

function legendDot(style) {
  const dot = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const corners = SHAPES[style.dot]?.map(([x, y]) => `${17 + 3.5 * x} ${7 + 3.5 * y}`).join("L");
  const shapes = {
    circle: "M13.5 7a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
    cross: "M13.5 3.5l7 7M13.5 10.5l7-7",
  };
  dot.setAttribute("d", shapes[style.dot] ?? `M${corners}z`);
  const fill = style.dot === "cross" ? "none" : `var(${style.colour})`;
  dot.style.cssText = `fill: ${fill}; stroke: var(${style.colour}); stroke-width: 1.5`;
  return dot;
}

function showScale() {
  for (const button of element.querySelectorAll("[data-scale]")) {
    button.setAttribute("aria-pressed", String(button.dataset.scale === scale));
  }
}

find(".scale").addEventListener("click", (event) => {
  const button = event.target.closest("[data-scale]");
  if (!button) return;
  scale = button.dataset.scale;
  const detail = { page: "train", values: { scale }, defaults: { scale: "linear" } }; // for history.js
  document.dispatchEvent(new CustomEvent("settings", { detail }));
  showScale();
  drawSoon();
});

// "step 120, training loss 0.21, validation loss 0.25"
function summary() {
  const run = frontRun();
  if (!run) return "";
  const training = (run.smoothed.length ? run.smoothed : run.train).at(-1);
  const validation = run.validation.at(-1);
  const parts = [];
  if (training) {
    parts.push(text("spoken step", { step: training.step }));
    parts.push(text("spoken training", { value: words(training.loss) }));
  }
  if (validation) parts.push(text("spoken validation", { value: words(validation.loss) }));
  if (run.diverged !== null) parts.push(text("diverged", { step: run.diverged }));
  return parts.join(text("comma"));
}

let unspoken = null;
let spokenAt = -Infinity;
let speaking = 0;

// At most one summary every five seconds, and of those the newest.
function speakSoon(sentence) {
  unspoken = sentence;
  if (speaking) return;
  const wait = Math.max(spokenAt + SPEAK_EVERY - performance.now(), 0);
  speaking = setTimeout(() => {
    speaking = 0;
    if (find(".spoken").textContent === unspoken) return;
    spokenAt = performance.now();
    find(".spoken").textContent = unspoken;
  }, wait);
}

new ResizeObserver(drawSoon).observe(canvas);
onThemeChange(drawSoon);
watch("value", receive);
showScale();
receive();
