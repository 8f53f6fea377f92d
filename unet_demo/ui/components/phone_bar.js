// Presses for a thumb what the page's own components do; phone_bar.py says which. Wide pages show no bar.

build(`
  <div class="phone-bar">
    <button type="button" class="photo" data-text="photo"></button>
    <button type="button" class="camera" data-text="camera"></button>
    <input type="file" accept="image/*" capture="environment" tabindex="-1" hidden>
    <select></select>
    <button type="button" class="more" aria-expanded="false" data-text="more"></button>
  </div>`);

const choice = find("select");
const taken = find("input");
const page = element.closest(".segment-page");
const box = () => page.querySelector("#picture input[type=file]");

choice.setAttribute("aria-label", text("looks_for"));
taken.setAttribute("aria-label", text("camera"));
find(".photo").addEventListener("click", () => box()?.click());
find(".camera").addEventListener("click", () => taken.click());
taken.addEventListener("change", () => {
  const input = box();
  if (!input || !taken.files.length) return;
  input.files = taken.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  taken.value = "";
});

find(".more").addEventListener("click", ({ target }) => {
  const unfolded = page.classList.toggle("unfolded");
  target.setAttribute("aria-expanded", unfolded);
});

choice.addEventListener("change", () => {
  page.querySelector(`#looks-for input[value="${choice.value}"]`).click();
});

function receive() {
  const { kinds, kind } = props.value;
  choice.replaceChildren(...kinds.map((one) => new Option(text(one), one)));
  choice.value = kind ?? "";
}

watch("value", receive);
receive();
