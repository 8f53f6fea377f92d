// The pictures of the Train page; scenes.py says what a value holds.
// The elements stay and only a source that has changed is set, so that nothing flickers or jumps.

const COLUMNS = ["picture", "truth", "prediction", "errors"];
const ROWS = 4; // room is kept for so many, whatever the value holds

build(`
  <div class="scenes">
    <div class="grid heads" aria-hidden="true">
      ${COLUMNS.map((column) => `<span data-text="${column}"></span>`).join("")}
    </div>
    <div class="grid cells"></div>
    <p class="note"></p>
    <ul class="key"></ul>
  </div>`);

const cells = Array.from({ length: ROWS }, (_, row) =>
  COLUMNS.map((column) => {
    const cell = document.createElement("div");
    cell.className = `cell ${column}`;
    if (column === "errors") cell.append(decoration());
    const image = document.createElement("img");
    image.dataset.column = column;
    image.dataset.row = row;
    cell.append(image);
    find(".cells").append(cell);
    return cell;
  }),
);

// An alt that is "" already is not set again, yet the attribute has to be there.
function decoration() {
  const image = document.createElement("img");
  image.setAttribute("alt", "");
  return image;
}

function show(image, source, description) {
  image.hidden = !source;
  if (source && image.getAttribute("src") !== source) image.src = source;
  if (image.alt !== description) image.alt = description;
}

function receive() {
  const value = props.value || { rows: [], note: "", classes: [] };
  cells.forEach((line, index) => {
    const row = value.rows[index];
    line.forEach((cell, place) => {
      const column = COLUMNS[place];
      cell.classList.toggle("none", !row);
      const images = cell.querySelectorAll("img");
      const described = text("described", { row: index + 1, column: text(column) });
      show(images[images.length - 1], row?.[column], described);
      if (images.length === 2) show(images[0], row?.errors && row.picture, "");
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

watch("value", receive);
receive();
