// Runs before everything else: asks for the whole first page while the browser still reads the
// scripts that will show it. assets/page.js hands the answer to Dash. Not loaded with the other
// assets: dashboard/app.py names it in the head of the document.

(() => {
  // What Dash keeps of a control of ours: [what was chosen, what it was at first].
  const kept = (id) => {
    try {
      return JSON.parse(localStorage.getItem(`_dash_persistence.${id}.value.true`))?.[0];
    } catch {
      return undefined; // no storage, or not ours
    }
  };
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const chosen = kept("theme");
  const asked = {
    path: location.pathname,
    query: location.search,
    scheme: chosen === "light" || chosen === "dark" ? chosen : system,
    width: innerWidth,
  };
  const top = kept("top");
  if (top) asked.top = top;
  window.firstPage = fetch(`/_dash-layout?${new URLSearchParams(asked)}`, { credentials: "same-origin" });
  window.firstPage.catch(() => {}); // page.js asks again
})();
