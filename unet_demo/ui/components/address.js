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
    if (!tabs) return; // somebody has to give a password first
    tabs.props.selected = page;
    showOpening();
  };

  // Until Gradio has drawn the page, which takes seconds: the bar, and that the rest is coming. bar.js ends it.
  const showOpening = () => {
    const theme = asked.get("__theme");
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const opening = document.createElement("div");
    opening.id = "opening";
    opening.className = ["light", "dark"].includes(theme) ? theme : system;
    opening.innerHTML = `<style>
      #opening { position: fixed; z-index: 9999; inset: 0; font: 16px/1.5 system-ui, sans-serif; }
      #opening.light { background: #fff; color: #1e293b; --line: #e2e8f0; --accent: #2563eb; }
      #opening.dark { background: #020617; color: #f1f5f9; --line: #334155; --accent: #2563eb; }
      #opening div { display: flex; gap: 8px; align-items: center; height: 48px; margin: 0 19px;
        box-shadow: 0 1px 0 var(--line); }
      #opening b { font-size: 1.05rem; font-weight: 650; letter-spacing: -0.01em; }
      #opening svg { width: 24px; fill: none; stroke: var(--accent); stroke-width: 2.4;
        stroke-linecap: round; stroke-linejoin: round; }
      #opening p { margin: 24px 19px; font-size: 14px; }
      .bare #opening div { visibility: hidden; }
      @media (max-width: 720px) { #opening div { margin: 0 12px; } #opening b { display: none; } }
    </style>
    <div><svg viewBox="0 0 24 24" aria-hidden="true">
      <path d="M4 3v10a8 8 0 0 0 16 0V3M8.5 8h7m-2.5-2.5 2.5 2.5-2.5 2.5"/></svg><b></b></div>
    <p role="status"></p>`;
    opening.querySelector("b").textContent = OPENING.title;
    opening.querySelector("p").textContent = OPENING.loading;
    document.body.prepend(opening);
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
