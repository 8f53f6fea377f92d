// Shared by what is zoomed and moved within its `stage` (viewer.js, paint.js): with the wheel, two fingers, + and -.
// Who shares it has a `root` and what is `shown`, calls `startZoom` once, and hears by `zoomed` of each change.

const MOST_ZOOM = 32; // times
const ZOOMS = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 0 };
let zoom = { scale: 1, x: 0, y: 0 }; // where the picture's corner lies, in widths and heights of the stage

function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

// Where on the stage an event is, from 0 to 1 from its left and its top.
function spot({ clientX, clientY }) {
  const box = stage.getBoundingClientRect();
  return { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height };
}

function zoomTo({ scale, x, y }) {
  zoom = { scale, x: clamp(x, 1 - scale, 0), y: clamp(y, 1 - scale, 0) };
  root.style.setProperty("--scale", scale);
  root.style.setProperty("--x", `${zoom.x * 100}%`);
  root.style.setProperty("--y", `${zoom.y * 100}%`);
  find(".unzoom").hidden = scale <= 1;
  find(".unzoom").textContent = scale > 1 ? `${scale.toFixed(1)}×` : "";
  zoomed();
}

// What is at this spot of the stage stays there.
function zoomAt({ x, y }, factor) {
  const scale = clamp(zoom.scale * factor, 1, MOST_ZOOM);
  const grown = scale / zoom.scale;
  zoomTo({ scale, x: x - (x - zoom.x) * grown, y: y - (y - zoom.y) * grown });
}

// Moves the picture as little as shows what is at this spot.
function bringInSight({ x, y }) {
  zoomTo({ ...zoom, x: zoom.x + clamp(x, 0, 1) - x, y: zoom.y + clamp(y, 0, 1) - y });
}

// Moves the picture as a finger or the mouse goes from one spot to another; where there is an `other` finger, zooms.
function moveAlong(before, now, other) {
  if (other) {
    const apart = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1e-3;
    zoomAt({ x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }, apart(now) / apart(before));
  }
  const share = other ? 0.5 : 1; // of two fingers the middle moves half as far as each
  zoomTo({ ...zoom, x: zoom.x + share * (now.x - before.x), y: zoom.y + share * (now.y - before.y) });
}

// Whoever shows the whole picture goes on with the keys of `target`.
function startZoom(target) {
  const unzoom = find(".unzoom");
  unzoom.setAttribute("aria-label", text("unzoom"));
  unzoom.addEventListener("click", () => {
    zoomTo({ scale: 1, x: 0, y: 0 });
    target.focus({ preventScroll: true });
  });
  const turn = (event) => {
    const before = zoom.scale;
    if (!shown) return;
    zoomAt(spot(event), Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)));
    if (zoom.scale !== before) event.preventDefault(); // else the page scrolls
  };
  stage.addEventListener("wheel", turn, { passive: false });
}
