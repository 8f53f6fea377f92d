// What the server has of the strokes, on its way from there to where they are painted (paint.js).

build("");

function tell() {
  document.dispatchEvent(new CustomEvent("heard", { detail: props.value }));
}

watch("value", tell);
