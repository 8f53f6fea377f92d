// A prediction, on its way from the server to the picture that it is laid over (paint.js).

build("");

function tell() {
  document.dispatchEvent(new CustomEvent("prediction", { detail: props.value }));
}

watch("value", tell);
tell();
