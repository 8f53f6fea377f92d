// The network as a U; u.py says what a value holds. The server draws, this script puts the maps in.
// Of its stations one is a Tab stop and the arrow keys go on from there; a station is told below, and its maps
// are shown larger beside it.

build(`
  <div class="u">
    <div class="drawing"></div>
    <div class="foot">
      <p class="readout"><span class="about"></span> <span class="how" data-text="larger"></span></p>
      <span class="save" role="group">
        <button type="button" data-save="svg">SVG</button>
        <button type="button" data-save="png">PNG</button>
      </span>
    </div>
  </div>`);

const NARROW = 400; // px below which the U stands upright
const PNG_SCALE = 2;
const LARGER = 190; // px, of the maps that are pointed at
const BESIDE = 8; // of the drawing's units, between them and what is around

const root = find(".u");
const drawing = find(".drawing");
const mapsId = `${element.closest("[id]").id}-maps`; // instead of u-maps, which each drawing in the document would have
find(".save").setAttribute("aria-label", text("save"));

let drawn = ""; // the drawing that is shown
let told = null; // the station that is told, by its number

const stations = () => [...drawing.querySelectorAll("[data-station]")];
const skips = () => [...drawing.querySelectorAll("[data-skip]")];

function receive() {
  const value = props.value;
  if (!value || !root.clientWidth) return; // in a tab that is not shown; the observer calls again
  const form = root.clientWidth < NARROW ? "upright" : "wide";
  root.dataset.form = form;
  if (value[form] !== drawn) draw(value[form]);
  root.classList.toggle("cut", !value.skips);
  root.classList.toggle("each", Boolean(value.dropped));
  root.classList.toggle("switchable", value.switchable);
  skips().forEach((skip, at) => setKnob(skip, at, value));
  stations().forEach((station, at) => station.classList.toggle("picked", at === value.picked));
  const maps = drawing.querySelector("image");
  const before = maps.getAttribute("href");
  if (before !== value.maps) maps.setAttribute("href", value.maps);
  if (Boolean(before) !== Boolean(value.maps)) tell(told); // later ones come into what is shown by themselves
}

function draw(svg) {
  const focused = drawing.contains(document.activeElement);
  const index = told; // which goes when the focus does
  drawn = svg;
  drawing.innerHTML = svg.replaceAll("u-maps", mapsId);
  drawing.firstElementChild.setAttribute("role", "group");
  drawing.firstElementChild.setAttribute("aria-label", textOf(drawing, "desc"));
  drawing.querySelector("title").remove(); // or it would stand beside the pointer everywhere
  stations().forEach((station) => {
    station.setAttribute("role", "img");
    station.setAttribute("aria-label", textOf(station, "title"));
  });
  skips().forEach(makeKnob);
  tell(index !== null && index < stations().length ? index : null);
  if (focused) stations()[told ?? 0].focus();
}

function makeKnob(skip) {
  const hit = skip.querySelector("path").cloneNode();
  hit.setAttribute("class", "hit");
  skip.append(hit);
  skip.dataset.told = textOf(skip, "title");
}

// Where all skips are on or off together, the pointer may press any of their arrows, and the keyboard goes
// to the first; else each is a switch.
function setKnob(skip, at, { skips: on, switchable, dropped }) {
  const off = dropped ? dropped.includes(Number(skip.dataset.skip)) : !on;
  const told = dropped ? skip.dataset.told : text("skips");
  const alone = dropped || !at;
  const attributes = alone
    ? { role: "switch", tabindex: "0", "aria-label": told, "aria-checked": !off, "aria-disabled": !switchable }
    : { "aria-hidden": "true" };
  for (const name of ["role", "tabindex", "aria-label", "aria-checked", "aria-disabled", "aria-hidden"]) {
    if (name in attributes) skip.setAttribute(name, attributes[name]);
    else skip.removeAttribute(name);
  }
  skip.classList.toggle("cut", off);
  skip.querySelector("title").textContent = told;
}

function flip(event) {
  const skip = event.target.closest("[data-skip]");
  const { switchable, dropped } = props.value ?? {};
  if (!switchable || !skip) return;
  event.preventDefault();
  if (!dropped) return trigger("input");
  const level = Number(skip.dataset.skip);
  const others = dropped.filter((one) => one !== level);
  trigger("pick", { dropped: (others.length < dropped.length ? others : [...others, level].sort()).join("") });
}

function textOf(node, name) {
  return node.querySelector(name).textContent;
}

// Tells of a station, or of the whole network where none is pointed at.
function tell(index) {
  told = index;
  stations().forEach((station, at) => {
    station.setAttribute("tabindex", at === (index ?? 0) ? "0" : "-1");
    station.classList.toggle("told", at === index);
  });
  const node = index === null ? drawing.firstElementChild : stations()[index];
  const sees = props.value.maps && props.value.picked === null; // else the page shows a station's maps below
  find(".about").textContent = node.getAttribute("aria-label");
  find(".how").hidden = !sees || index !== null;
  drawing.querySelector(".larger")?.remove();
  if (sees && index !== null) enlarge(index);
}

// Shows a station's maps larger beside it, on the side where there is more room.
function enlarge(index) {
  const svg = drawing.firstElementChild;
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const face = stations()[index].querySelector("rect");
  const [left, top, side] = ["x", "y", "width"].map((name) => Number(face.getAttribute(name)));
  const size = (LARGER * width) / svg.clientWidth;
  const x = left + side / 2 < width / 2 ? left + side + BESIDE : left - BESIDE - size;
  const y = Math.min(Math.max(BESIDE, top + (side - size) / 2), height - BESIDE - size);
  svg.insertAdjacentHTML(
    "beforeend",
    `<g class="larger" aria-hidden="true">
      <rect x="${x}" y="${y}" width="${size}" height="${size}" />
      <svg x="${x}" y="${y}" width="${size}" height="${size}" viewBox="${side * index} 0 ${side} ${side}">
        <use href="#${mapsId}" />
      </svg>
    </g>`,
  );
}

function pick(index) {
  if (![null, index].includes(props.value.picked)) trigger("pick", { station: stations()[index].dataset.station });
}

function stationAt(event) {
  const station = event.target.closest("[data-station]");
  return station ? stations().indexOf(station) : null;
}

drawing.addEventListener("pointerover", (event) => {
  if (stationAt(event) !== null) tell(stationAt(event));
});
drawing.addEventListener("click", (event) => {
  if (drawn) tell(stationAt(event));
  flip(event);
});
drawing.addEventListener("focusin", (event) => {
  const index = stationAt(event);
  tell(index);
  if (index !== null) pick(index);
});
drawing.addEventListener("pointerleave", (event) => {
  if (drawn && event.pointerType === "mouse" && !drawing.contains(document.activeElement)) tell(null);
});
drawing.addEventListener("focusout", ({ relatedTarget }) => {
  if (drawn && !drawing.contains(relatedTarget) && !drawing.matches(":hover")) tell(null);
});
// Wherever the keyboard is: who points has it elsewhere.
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") drawing.querySelector(".larger")?.remove();
});
drawing.addEventListener("keydown", (event) => {
  if ([" ", "Enter"].includes(event.key)) return flip(event);
  const last = stations().length - 1;
  const at = told ?? 0;
  const to = {
    ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  stations()[Math.min(Math.max(to, 0), last)].focus();
});

// --- files ------------------------------------------------------------------------------------

// The drawing as a file of its own: on white, with the maps that it shows and without what is cut.
function standalone() {
  const svg = new DOMParser().parseFromString(drawn, "image/svg+xml").documentElement;
  const [, , width, height] = svg.getAttribute("viewBox").split(" ");
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.setAttribute("style", "background: white; color: #333");
  if (props.value.maps) svg.querySelector("#u-maps").setAttribute("href", props.value.maps);
  const { skips: on, dropped } = props.value;
  const off = (skip) => (dropped ? dropped.includes(Number(skip.dataset.skip)) : !on);
  [...svg.querySelectorAll("[data-skip]")].filter(off).forEach((skip) => skip.remove());
  return { width, height, blob: new Blob([svg.outerHTML], { type: "image/svg+xml" }) };
}

async function picture({ width, height, blob }) {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  await image.decode();
  URL.revokeObjectURL(image.src);
  const canvas = document.createElement("canvas");
  canvas.width = width * PNG_SCALE;
  canvas.height = height * PNG_SCALE;
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done));
}

find(".save").addEventListener("click", async (event) => {
  const kind = event.target.dataset.save;
  if (!kind || !drawn) return;
  const file = standalone();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(kind === "png" ? await picture(file) : file.blob);
  link.download = `${props.value.network}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});

new ResizeObserver(receive).observe(root);
watch("value", receive);
receive();
