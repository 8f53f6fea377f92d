// The pictures of the Train page; scenes.py says what a value holds.
// The elements stay and only a source that has changed is set, so that nothing flickers or jumps.

const ALONE = ["picture", "truth", "prediction", "errors"];
const COMPARED = ["picture", "truth", "before", "prediction"]; // beside an earlier run's
const ROWS = 4; // room is kept for so many, whatever the value holds

build(`
  <div class="scenes">
    <div class="grid heads" aria-hidden="true">${"<span></span>".repeat(ALONE.length)}</div>
    <div class="grid cells"></div>
    <p class="note"></p>
    <div class="foot">
      <ul class="key"></ul>
      <label class="wrong" hidden><input type="checkbox"><span data-text="errors"></span></label>
    </div>
  </div>`);

const wrong = find(".wrong input"); // two runs: whether their errors stand in place of their masks
const heads = [...element.querySelectorAll(".heads span")];
const cells = Array.from({ length: ROWS }, (_, row) =>
  ALONE.map(() => {
    const cell = document.createElement("div");
    const [under, image] = [document.createElement("img"), document.createElement("img")];
    under.setAttribute("alt", ""); // one that is "" already is not set again, yet it has to be there
    image.dataset.row = row;
    cell.append(under, image);
    find(".cells").append(cell);
    return { cell, under, image };
  }),
);

function show(image, source, description) {
  image.hidden = !source;
  if (source && image.getAttribute("src") !== source) image.src = source;
  if (image.alt !== description) image.alt = description;
}

// What a column shows of a row, and the picture that lies below it.
function layers(row, column) {
  if (column === "errors") return [row.errors, row.errors && row.picture];
  const errors = wrong.checked && { before: row["before errors"], prediction: row.errors }[column];
  return errors ? [errors, row.picture] : [row[column], null];
}

function receive() {
  const value = currentValue() || { rows: [], note: "", classes: [], heads: null };
  find(".wrong").hidden = !value.heads;
  if (!value.heads) wrong.checked = false;
  const columns = value.heads ? COMPARED : ALONE;
  const names = value.heads ? [text("picture"), text("truth"), ...value.heads] : ALONE.map((key) => text(key));
  heads.forEach((head, place) => {
    head.textContent = head.title = names[place];
  });
  cells.forEach((line, index) => {
    const row = value.rows[index];
    line.forEach(({ cell, under, image }, place) => {
      const [source, below] = row ? layers(row, columns[place]) : [null, null];
      cell.className = `cell ${below ? "errors" : columns[place]}`;
      cell.classList.toggle("none", !row);
      image.dataset.column = columns[place];
      show(image, source, text("described", { row: index + 1, column: names[place] }));
      show(under, below, "");
    });
  });
  find(".note").textContent = find(".note").title = value.note;
  find(".key").replaceChildren(
    ...value.classes.map(({ name, colour }) => {
      const item = document.createElement("li");
      const swatch = document.createElement("i");
      swatch.style.background = colour;
      item.append(swatch, text(`class:${name}`) ?? name);
      return item;
    }),
  );
}

wrong.addEventListener("change", receive);
watch("value", receive);
receive();
