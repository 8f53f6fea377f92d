// Runs before anything is drawn: what the address says of the page as a whole, for bare.css.
{
  // As link.py takes it: of a name that is repeated the last value, without the blanks around it.
  const said = [...new URLSearchParams(location.search)];
  const taken = said.map(([name, value]) => [name, value.trim()]);
  const asked = new URLSearchParams(Object.fromEntries(taken));

  // Gradio's own script takes the first as it is, so let the address say nothing twice.
  if (`${asked}` !== `${new URLSearchParams(said)}`) location.replace(`?${asked}${location.hash}`);

  if (asked.get("controls") === "0") {
    const { classList } = document.documentElement;
    const named = asked.get("page") === "about" ? "models" : asked.get("page");
    const page = ["train", "articles", "models"].includes(named) ? named : "segment";
    classList.add("bare", `bare-${page}`);

    // What was refused lies over the page until it has been read.
    const close = () => classList.add("read");
    addEventListener("keydown", ({ key }) => key === "Escape" && close());
    addEventListener("click", ({ target }) => target.closest("#address-refusals .close") && close());
  }
}
