// The menus "take along": files of what a chart or table shows, narrowed as the address bar says.
// The server makes them (dashboard/take_away.py); an image takes it some seconds.

(() => {
  const TABLE = [["csv", "CSV"], ["parquet", "Parquet"]];
  const PLACED = [...TABLE, ["geojson", "GeoJSON"]];
  const FIGURE = [["png", "Image, PNG"], ["svg", "Drawing, SVG"], ["html", "Page that stands alone, HTML"]];
  const classicBins = () => new URLSearchParams(location.search).get("binning") === "classic";
  // What each menu offers: the name of a file's content, a heading, and its forms.
  const OFFERS = {
    map: () => [
      ["map", "Chart", FIGURE],
      ["cells", "Peers by cells of one degree", PLACED],
      ["places", "Peers by place", PLACED],
      ["country-level", "Peers known to a country only", PLACED],
    ],
    histogram: () => [
      ["histogram", "Chart", FIGURE],
      [classicBins() ? "histogram" : "histogram-log2", "Peers by size and country", TABLE],
    ],
    countries: () => [["countries", "Table", PLACED]],
  };

  const say = (said, kind) => {
    window.dash_clientside.set_props("notice-text", { children: said });
    window.dash_clientside.set_props("notice", { className: `message ${kind}` });
  };

  const link = (content, [ending, name]) => {
    const made = document.createElement("a");
    made.href = `/take/${content}.${ending}${location.search}`;
    made.textContent = name;
    made.download = "";
    return made;
  };

  const fill = (menu) => {
    const list = document.createElement("div");
    list.className = "take-list";
    for (const [content, heading, forms] of OFFERS[menu.dataset.take]()) {
      const title = document.createElement("p");
      title.textContent = heading;
      list.append(title, ...forms.map((form) => link(content, form)));
    }
    menu.querySelector(".take-list")?.remove();
    menu.append(list);
  };

  // A toggle does not bubble.
  document.addEventListener("toggle", ({ target }) => {
    if (!target.matches?.("details.take") || !target.open) return;
    document.querySelectorAll("details.take[open]").forEach((other) => {
      if (other !== target) other.open = false;
    });
    fill(target);
  }, true);

  const close = (menu, focus) => {
    menu.open = false;
    if (focus) menu.querySelector("summary").focus();
  };
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("details.take[open]");
    if (event.key === "Escape" && menu) close(menu, true);
  });
  document.addEventListener("pointerdown", ({ target }) => {
    const menu = document.querySelector("details.take[open]");
    if (menu && !menu.contains(target)) close(menu, false);
  });

  // Asked for by a script, so that a refusal is said on the page instead of saved as a file.
  document.addEventListener("click", async (event) => {
    const chosen = event.target.closest(".take-list a");
    if (!chosen) return;
    event.preventDefault();
    close(chosen.closest("details"), true);
    if (/\.(png|svg)\?|\.(png|svg)$/.test(chosen.href)) say("The image is being drawn …", "odd");
    try {
      const answer = await fetch(chosen.href);
      if (!answer.ok) { say((await answer.text()).trim(), "failed"); return; }
      const named = answer.headers.get("Content-Disposition").split("filename=")[1];
      const save = document.createElement("a");
      save.href = URL.createObjectURL(await answer.blob());
      save.download = named;
      save.click();
      setTimeout(() => URL.revokeObjectURL(save.href), 60_000);
      window.dash_clientside.set_props("notice", { className: "message hidden" });
    } catch {
      say("The server did not answer.", "failed");
    }
  });
})();
