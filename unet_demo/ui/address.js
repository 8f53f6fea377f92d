// Runs before anything is drawn: what the address says of the page as a whole, for bare.css.
{
  const asked = new URLSearchParams(location.search);
  if (asked.get("controls") === "0") {
    const page = ["train", "about"].find((name) => name === asked.get("page")) ?? "segment";
    document.documentElement.classList.add("bare", `bare-${page}`);
  }
}
