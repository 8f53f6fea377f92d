// What is painted (paint.js), on its way to the server: the component's value is always the latest.

build("");

function hear({ detail }) {
  if (!element.isConnected) return document.removeEventListener("strokes", hear);
  props.value = detail;
  trigger("input");
}

document.addEventListener("strokes", hear);
