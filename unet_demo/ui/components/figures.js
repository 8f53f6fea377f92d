// Shows the HTML that the server writes; figures.py says what it may hold.

build(`<div class="shown"></div>`);

const shown = find(".shown");

function receive() {
  shown.innerHTML = props.value ?? "";
}

function pick(event) {
  const picked = event.target.closest("[data-pick]")?.dataset.pick;
  if (picked) trigger("pick", JSON.parse(picked));
}

shown.addEventListener("click", pick);
shown.addEventListener("keydown", (event) => {
  if (!["Enter", " "].includes(event.key) || !event.target.closest("[data-pick]")) return;
  event.preventDefault();
  pick(event);
});

watch("value", receive);
receive();
