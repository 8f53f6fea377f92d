// Tells what the server says of a page's settings, see history.js.
build("");

watch("value", () => {
  if (props.value) document.dispatchEvent(new CustomEvent("settings", { detail: props.value }));
});
