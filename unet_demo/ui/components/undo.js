// What can be undone: the last edits {patches: [{before, after}, …]}, however large at least LEAST_UNDONE of them.

const LEAST_UNDONE = 20;
const UNDONE = 100; // edits at most
const MOST_UNDONE = 64e6; // bytes of them

function remember(edits, edit) {
  edits.push(edit);
  let bytes = edits.reduce((sum, one) => sum + bytesOf(one), 0);
  while (edits.length > UNDONE || (bytes > MOST_UNDONE && edits.length > LEAST_UNDONE)) bytes -= bytesOf(edits.shift());
}

function bytesOf({ patches }) {
  return patches.reduce((sum, { before, after }) => sum + before.length + after.length, 0);
}
