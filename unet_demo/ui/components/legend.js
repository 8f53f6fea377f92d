// What the viewer of the same page paints, as a table of bars; viewer.js says what the event holds.

build(`
  <table class="numbers classes" hidden>
    <thead><tr>${["class", "share", "confidence"]
      .map((column) => `<th scope="col" data-text="${column}"></th>`)
      .join("")}</tr></thead>
    <tbody></tbody>
  </table>`);

const percent = (share) => `${(share * 100).toFixed(1)}%`;

function row({ name, colour, share, confidence }) {
  const line = document.createElement("tr");
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.background = `rgb(${colour})`;
  const words = [text(`class:${name}`) ?? name, percent(share), percent(confidence)];
  for (const word of words) line.insertCell().append(word);
  const bar = document.createElement("span");
  bar.className = "bar";
  bar.style.cssText = `--colour: rgb(${colour}); --share: ${percent(share)}`;
  line.cells[0].prepend(swatch);
  line.cells[0].append(bar);
  return line;
}

const page = element.closest("[role=tabpanel]") ?? document;

page.addEventListener("legend", ({ detail }) => {
  find("table").hidden = !detail.length;
  find("tbody").replaceChildren(...detail.map(row));
});
