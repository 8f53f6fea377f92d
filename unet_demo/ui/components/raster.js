// What is painted, pixel by pixel: no id is ever mixed with another, nor an edge softened. `ids` are a Uint8Array
// of rows of `width`; each function answers with the box {left, top, right, bottom} that it may have changed.

const EMPTY = 255; // not painted
const SOFT = 0.71; // half the diagonal of a pixel: a thinner line would have holes

// All pixels within half the size of the line from one point to another.
function drawLine(ids, width, height, from, to, size, id) {
  const radius = Math.max(size / 2, SOFT);
  const box = boxAround(width, height, from, to, radius);
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y];
      const along = length ? Math.min(Math.max((px * dx + py * dy) / length, 0), 1) : 0;
      const [ax, ay] = [px - along * dx, py - along * dy];
      if (ax * ax + ay * ay <= radius * radius) ids[y * width + x] = id;
    }
  }
  return box;
}

function boxAround(width, height, from, to, radius) {
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  return {
    left: within(Math.floor(Math.min(from.x, to.x) - radius), width),
    top: within(Math.floor(Math.min(from.y, to.y) - radius), height),
    right: within(Math.ceil(Math.max(from.x, to.x) + radius), width),
    bottom: within(Math.ceil(Math.max(from.y, to.y) + radius), height),
  };
}

// The region of one id, or of nothing, round a pixel, as far as it reaches to the sides.
function fillRegion(ids, width, height, { x, y }, id) {
  const start = Math.floor(y) * width + Math.floor(x);
  const old = ids[start];
  if (old !== id) ids[start] = id;
  const region = old === id ? [] : [start];
  while (region.length) {
    const at = region.pop();
    const column = at % width;
    const near = [column ? at - 1 : -1, column < width - 1 ? at + 1 : -1, at - width, at + width];
    for (const next of near) {
      if (ids[next] !== old) continue; // beyond the first and the last there is undefined
      ids[next] = id;
      region.push(next);
    }
  }
  return { left: 0, top: 0, right: width, bottom: height };
}

function joined(one, other) {
  if (!one) return other;
  return {
    left: Math.min(one.left, other.left),
    top: Math.min(one.top, other.top),
    right: Math.max(one.right, other.right),
    bottom: Math.max(one.bottom, other.bottom),
  };
}

function cut(ids, width, { left, top, right, bottom }) {
  const wide = right - left;
  const part = new Uint8Array(wide * (bottom - top));
  for (let y = top; y < bottom; y++) part.set(ids.subarray(y * width + left, y * width + right), (y - top) * wide);
  return part;
}

function paste(ids, width, { left, top, right, bottom }, part) {
  const wide = right - left;
  for (let y = top; y < bottom; y++) ids.set(part.subarray((y - top) * wide, (y - top + 1) * wide), y * width + left);
}

// The classes' patterns, by id: whether a cell, of so many pixels, bears a mark.
const PATTERNS = [
  () => false,
  (x, y) => (x + y) % 4 === 0,
  (x, y) => x % 3 === 0 && y % 3 === 0,
  (x, y) => y % 3 === 0,
  (x) => x % 3 === 0,
  (x, y) => ((x >> 1) + (y >> 1)) % 2 === 0,
  (x, y) => (x - y + 4096) % 4 === 0,
  (x, y) => x % 4 === 0 || y % 4 === 0,
];

const opaque = ([red, green, blue]) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0; // as bytes from the lowest
const isLight = ([red, green, blue]) => 0.299 * red + 0.587 * green + 0.114 * blue > 140;
const markOf = (colour) => colour.map((part) => (isLight(colour) ? part * 0.6 : 90 + part * 0.65));

const SHADE = 0x90000000; // around what is painted, so that it is seen on any picture

// The box with the pixels around it, as far as there are any.
function grown({ left, top, right, bottom }, width, height) {
  return {
    left: Math.max(left - 1, 0), top: Math.max(top - 1, 0), right: Math.min(right + 1, width), bottom: Math.min(bottom + 1, height),
  };
}

// Shades the empty pixels of a box that have a painted neighbour; `image` is `coloured` of that box.
function shade(image, ids, width, { left, top, right, bottom }) {
  const pixels = new Uint32Array(image.data.buffer);
  const painted = (id) => id !== EMPTY && id !== undefined;
  for (let y = top, to = 0; y < bottom; y++) {
    for (let x = left; x < right; x++, to++) {
      const at = y * width + x;
      if (ids[at] !== EMPTY) continue;
      const aside = (x > 0 && ids[at - 1] !== EMPTY) || (x < width - 1 && ids[at + 1] !== EMPTY);
      if (aside || painted(ids[at - width]) || painted(ids[at + width])) pixels[to] = SHADE;
    }
  }
  return image;
}

// Colours and patterns of a box of ids → ImageData; what has no class is clear, as is `clear`.
function coloured(ids, width, { left, top, right, bottom }, palette, cell, clear = EMPTY) {
  const image = new ImageData(right - left, bottom - top);
  const pixels = new Uint32Array(image.data.buffer);
  const [plain, marked] = [palette.map(opaque), palette.map((colour) => opaque(markOf(colour)))];
  for (let y = top, to = 0; y < bottom; y++) {
    for (let x = left; x < right; x++, to++) {
      const id = ids[y * width + x];
      if (id === EMPTY || id === clear || id >= plain.length) continue;
      pixels[to] = PATTERNS[id]((x / cell) | 0, (y / cell) | 0) ? marked[id] : plain[id];
    }
  }
  return image;
}

const UNSURE = 190; // of 255, where the two best classes are alike

// Where most pixels are unsure and none is painted: the middle of that cell {x, y}, or null.
function unsurePlace(doubts, ids, width, height) {
  const side = Math.max(8, Math.round(Math.max(width, height) / 20));
  let best = null;
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) {
      const box = { left, top, right: Math.min(left + side, width), bottom: Math.min(top + side, height) };
      const doubt = doubtIn(doubts, ids, width, box);
      if (doubt > (best?.doubt ?? side * side * 0.1)) {
        best = { doubt, x: (left + box.right) / 2, y: (top + box.bottom) / 2, side };
      }
    }
  }
  return best;
}

function doubtIn(doubts, ids, width, { left, top, right, bottom }) {
  let doubt = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = y * width + x;
      if (ids[at] !== EMPTY) return 0;
      if (doubts[at] > UNSURE) doubt++;
    }
  }
  return doubt;
}
