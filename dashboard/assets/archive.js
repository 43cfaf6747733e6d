// The list of swarms in the browser: when it is asked for again, its filters, columns and keys.
// Named by dashboard/swarms/page.py. The address bar holds countries and categories.

(() => {
  const GRID = "swarms-grid";
  const same = () => window.dash_clientside.no_update;
  // Undefined until the list is drawn, on a slow machine a while: it asks by itself when it is.
  const grid = () => {
    try {
      return window.dash_ag_grid?.getApi(GRID);
    } catch {
      return undefined;
    }
  };

  // A click on a row opens its swarm, and so does Enter in it; the name is a link, for a new tab.
  const open = (event) => {
    const row = event.target.closest?.(`#${GRID} .ag-center-cols-container .ag-row`);
    const infohash = row && grid()?.getRowNode(row.getAttribute("row-id"))?.data?.infohash;
    if (!infohash) return;
    event.preventDefault();
    window.dash_clientside.set_props("address", { pathname: `/swarms/${infohash}` });
  };
  document.addEventListener("click", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) open(event);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Enter") open(event); });

  // The choice of columns lies over the list: Escape and a click elsewhere put it away.
  const columns = () => document.querySelector("details.columns[open]");
  document.addEventListener("keydown", ({ key }) => {
    const chooser = columns();
    if (key !== "Escape" || !chooser) return;
    chooser.open = false;
    chooser.querySelector("summary").focus();
  });
  document.addEventListener("pointerdown", ({ target }) => {
    const chooser = columns();
    if (chooser && !chooser.contains(target)) chooser.open = false;
  });
  window.dashAgGridComponentFunctions = Object.assign({}, window.dashAgGridComponentFunctions, {
    // React makes a text node of the name, whatever stands in it.
    SwarmLink({ value, data }) {
      if (!data?.infohash) return value ?? "";
      const run = new URLSearchParams(window.location.search).get("run");
      const href = `/swarms/${data.infohash}${run ? `?run=${encodeURIComponent(run)}` : ""}`;
      return window.React.createElement("a", { href, tabIndex: -1 }, value);
    },
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    archive: {
      // Another question throws the rows away; a change of the world alone keeps them in sight
      // until the new ones are there, else a click in that moment would go astray.
      askAgain() {
        if (window.dash_clientside.callback_context.triggered_id === "seen") grid()?.refreshInfiniteCache();
        else grid()?.purgeInfiniteCache();
        return same();
      },

      // The pickers say what the address says; a picker that is used writes it.
      syncFilters(query, countries, categories) {
        const params = new URLSearchParams(query);
        const picked = { country: countries ?? [], category: categories ?? [] };
        const by = window.dash_clientside.callback_context.triggered_id;
        const said = Object.keys(picked).map((key) => params.getAll(key));
        const alike = Object.values(picked).map((values, i) => String([...values].sort()) === String(said[i].sort()));
        if (!by || by === "address") return said.map((values, i) => (alike[i] ? same() : values));
        if (alike.every(Boolean)) return [same(), same()];
        for (const [key, values] of Object.entries(picked)) {
          params.delete(key);
          values.forEach((value) => params.append(key, value));
        }
        const text = String(params);
        window.dash_clientside.set_props("address", { search: text ? `?${text}` : "" });
        return [same(), same()];
      },

      showColumns(shown, options) {
        window.dash_ag_grid?.getApiAsync(GRID).then((api) => {
          const fields = options.map((option) => option.value);
          api.setColumnsVisible(fields.filter((field) => !shown.includes(field)), false);
          api.setColumnsVisible(fields.filter((field) => shown.includes(field)), true);
        });
        return shown;
      },
    },
  });
})();
