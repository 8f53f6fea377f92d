// Runs before anything else: what the address says of the page as a whole, for Gradio and for bare.css.
{
  // As link.py takes it: of a name that is repeated the last value, without the blanks around it.
  const said = [...new URLSearchParams(location.search)];
  const taken = said.map(([name, value]) => [name, value.trim()]);
  const asked = new URLSearchParams(Object.fromEntries(taken));

  // Gradio's own script takes the first as it is, so let the address say nothing twice.
  if (`${asked}` !== `${new URLSearchParams(said)}`) location.replace(`?${asked}${location.hash}`);

  const named = asked.get("page") === "about" ? "models" : asked.get("page");
  const page = ["train", "teach", "inside", "articles", "models"].includes(named) ? named : "segment";

  // Gradio would open the first page, and load what that needs. Its script starts after this event.
  const openPage = () => {
    const tabs = window.gradio_config?.components.find(({ props }) => props.elem_id === "pages");
    if (tabs) tabs.props.selected = page;
  };
  document.addEventListener("readystatechange", openPage, { once: true });

  if (asked.get("controls") === "0") {
    const { classList } = document.documentElement;
    classList.add("bare", `bare-${page}`);

    // What was refused lies over the page until it has been read.
    const close = () => classList.add("read");
    addEventListener("keydown", ({ key }) => key === "Escape" && close());
    addEventListener("click", ({ target }) => target.closest("#address-refusals .close") && close());
  }
}
