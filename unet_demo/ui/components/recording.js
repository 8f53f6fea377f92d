// Plays a recorded run once, in the chart and in the scenes; recording.py says what a value holds.
// It begins when it is first seen, and its last picture stays. Nobody sees it who wants no motion.

const SECONDS = 5;
const TICK = 100; // milliseconds
const STAGES = "#train-chart .chart, #train-scenes .scenes";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const seen = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && play());
let begun = null; // when it began, in milliseconds
let timer = 0;

build("");

function receive() {
  seen.disconnect();
  if (props.value && !calm.matches) document.querySelectorAll(STAGES).forEach((one) => seen.observe(one));
  else if (begun !== null) end();
}

function play() {
  seen.disconnect();
  begun = performance.now();
  timer = setInterval(tick, TICK);
  tick();
}

function tick() {
  const share = Math.min((performance.now() - begun) / 1000 / SECONDS, 1);
  show(share);
  if (share === 1) clearInterval(timer);
}

// Hands each stage what it is to show instead of its value, see component.js.
function show(share) {
  const { run, frames } = props.value;
  const rows = frames[Math.floor(share * (frames.length - 1))];
  const step = share * JSON.parse(run.train)[0].at(-1);
  const lines = { train: cut(run.train, step), smoothed: cut(run.smoothed, step) };
  const played = { ...run, ...lines, validation: cut(run.validation, step) };
  stage((value) => value && {
    ...value,
    ...(value.runs ? { runs: [played] } : { rows: value.rows.map((row, index) => ({ ...row, ...rows[index] })) }),
  });
}

function cut(line, step) {
  const [steps, losses] = JSON.parse(line);
  const count = steps.filter((one) => one <= step).length;
  return JSON.stringify([steps.slice(0, count), losses.slice(0, count)]);
}

function stage(recorded) {
  for (const node of document.querySelectorAll(STAGES)) {
    node.toggleAttribute("data-recorded", recorded !== null);
    if (recorded) node.dataset.recorded = text("mark");
    node.dispatchEvent(new CustomEvent("recorded", { bubbles: true, detail: recorded }));
  }
}

function end() {
  clearInterval(timer);
  begun = null;
  stage(null);
}

calm.addEventListener("change", () => calm.matches && begun !== null && end());
watch("value", receive);
receive();
