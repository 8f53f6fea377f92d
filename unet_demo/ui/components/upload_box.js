// Gradio's box for pictures takes only what the browser calls an image, and many browsers call an .lsm,
// an .svs or even a .tif nothing at all. So a file goes to the box as an image, and of several the first.

const ENDINGS = ".tif,.tiff,.lsm,.svs,.btf"; // what a file chooser offers besides images

build(`<p class="taken" role="status"></p>`);

const box = props.value;

function listen(name, act) {
  const hear = (event) => {
    if (!element.isConnected) document.removeEventListener(name, hear, true);
    else if (event.target.closest?.(box)) act(event);
  };
  document.addEventListener(name, hear, true);
}

// The first of them, as an image whatever the browser calls it.
function first([file]) {
  const { name, type } = file;
  const taken = new DataTransfer();
  taken.items.add(type.startsWith("image/") ? file : new File([file], name, { type: "image/tiff" }));
  return taken;
}

let handing = false;

// Has the box hear of one file in place of those that it was to hear of.
function hand(event, files, again) {
  if (handing || !files.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const places = { count: files.length, name: files[0].name };
  find(".taken").textContent = files.length > 1 ? text("one", places) : "";
  handing = true;
  again(first(files));
  handing = false;
}

listen("change", (event) => {
  const input = event.target;
  if (input.type !== "file") return;
  hand(event, input.files, ({ files }) => {
    input.files = files;
    input.dispatchEvent(new Event("change"));
  });
});

// Anywhere on the box: where it shows a picture, the browser would else open what is dropped.
listen("dragover", (event) => event.preventDefault());
listen("drop", (event) => {
  const zone = document.querySelector(`${box} .upload-container:has(> input)`);
  const again = (dataTransfer) => zone?.dispatchEvent(new DragEvent("drop", { dataTransfer }));
  hand(event, event.dataTransfer.files, again);
});

listen("click", ({ target }) => {
  if (target.type === "file" && target.accept === "image/*") target.accept = `image/*,${ENDINGS}`;
});
