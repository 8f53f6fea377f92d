// Label ids as a PNG of 8 bits a pixel, read and written here: a canvas would mix and round them, and browsers
// that guard against fingerprinting falsify what it gives back. Of PNGs it takes those that ids_png of ids.py and
// encodeIds write: gray or indexed, not interlaced, each row without a filter.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

const CRCS = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});

function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = CRCS[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

async function through(bytes, transform) {
  const stream = new Blob([bytes]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(kind, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set([...kind].map((letter) => letter.charCodeAt(0)), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

// Ids, a Uint8Array of rows → base64 of a PNG.
async function encodeIds(ids, width, height) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits of a gray pixel
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) rows.set(ids.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const data = await through(rows, new CompressionStream("deflate"));
  const parts = [SIGNATURE, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", [])];
  let letters = "";
  for (const part of parts) for (const byte of part) letters += String.fromCharCode(byte);
  return btoa(letters);
}

// Base64 of a PNG → {width, height, ids}.
async function decodeIds(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const packed = [];
  for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at)) {
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === "IDAT") packed.push(bytes.subarray(at + 8, at + 8 + view.getUint32(at)));
  }
  const rows = await through(new Blob(packed), new DecompressionStream("deflate"));
  const ids = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = y * (width + 1) + 1;
    ids.set(rows.subarray(from, from + width), y * width);
  }
  return { width, height, ids };
}
