// The Overview's side in the browser: what clicks narrow the page to, and what the map shows.
// Every function under `overview` is named by dashboard/overview/callbacks.py. The address bar
// holds what is narrowed; dashboard/address_state.py says which keys there are.

(() => {
  const same = () => window.dash_clientside.no_update;
  const CLOSE_FROM_ZOOM = 5; // from here on the map asks only for the part of the world it shows
  const OF_ONE = ["bin", "place", "swarm"]; // keys with one value at most

  const written = (params) => {
    const text = String(params);
    return text ? `?${text}` : "";
  };

  // Chosen again, a thing is no longer chosen.
  const toggled = (query, key, value) => {
    const params = new URLSearchParams(query);
    const keys = ["country", "category", ...OF_ONE];
    if (key === "all") keys.forEach((name) => params.delete(name));
    else if (params.has(key, value)) params.delete(key, value);
    else if (OF_ONE.includes(key)) params.set(key, value);
    else params.append(key, value);
    return written(params);
  };

  // Not an Output: a callback with one in the shell would run before its page is there.
  const goTo = (search) => { window.dash_clientside.set_props("address", { search }); };

  // Straight into the address: a callback in between would be one more look of Dash at all of the page.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-pick]");
    if (button) goTo(toggled(location.search, button.dataset.pick, button.dataset.value));
  });

  const made = (tag, className, ...children) => {
    const part = document.createElement(tag);
    if (className) part.className = className;
    part.append(...children); // strings become text: names are never read as markup
    return part;
  };
  const plainButton = (className, data, pressed, ...children) => {
    const button = made("button", `plain ${className}`, ...children);
    button.type = "button";
    Object.assign(button.dataset, data);
    button.setAttribute("aria-pressed", String(pressed));
    return button;
  };
  // In assets/flags.webp a flag's row and column are the letters of its code.
  const flagOf = (code) => {
    const flag = made("span", "flag");
    flag.setAttribute("aria-hidden", "true");
    const [row, column] = [...code].map((letter) => letter.charCodeAt(0) - 65);
    flag.style.backgroundPosition = `${-18 * column}px ${-12 * row}px`;
    return flag;
  };
  // A row as dashboard/overview/country_table.py describes it.
  const countryRow = (row) => {
    let first = made("span", "rank", String(row.rank ?? ""));
    if (row.key) {
      const swatch = made("span", "swatch");
      swatch.style.backgroundColor = row.colour;
      first = plainButton("key", { country: row.key }, row.shown, swatch, first);
      // What is to be read on a button has to stand in its name (WCAG 2.2, 2.5.3).
      first.setAttribute("aria-label", `${row.rank ?? ""} ${row.key_label}`.trim());
    }
    const name = row.code
      ? plainButton("pick", { pick: "country", value: row.code }, row.chosen, flagOf(row.code), row.name)
      : row.name;
    const bar = made("div");
    bar.style.width = `${row.width}%`;
    bar.style.backgroundColor = row.colour;
    const cells = [first, name, made("div", "share-bar", bar), row.peers, row.share, row.median];
    return made("tr", row.quiet ? "quiet" : "", ...cells.map((cell) => made("td", "", cell)));
  };

  // The charts come first: a table of 150 rows takes some of the time in which they could be drawn.
  const LONGEST_WAIT_MS = 300;
  const later = window.requestIdleCallback ?? ((draw) => setTimeout(draw)); // Safari has none
  let waiting = null; // what is drawn next; of several only the last
  const whenIdle = (draw) => {
    const isAsked = waiting !== null;
    waiting = draw;
    if (isAsked) return;
    later(() => {
      const drawn = waiting;
      waiting = null;
      drawn();
    }, { timeout: LONGEST_WAIT_MS });
  };

  // What a control has just written into the address: when it comes back, whoever has used a control
  // meanwhile is not set back to it.
  let ours = null;

  const clicked = (chart) => chart?.points?.[0]?.customdata;

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    overview: {
      // A click on a place or a bar; the charts forget it, so that the next one counts.
      pick(onMap, onBars, query) {
        const by = window.dash_clientside.callback_context.triggered_id;
        const place = clicked(onMap), bin = clicked(onBars);
        if (by === "map" && typeof place === "string") {
          goTo(toggled(query, place.length === 2 ? "country" : "place", place));
        } else if (by === "histogram" && Number.isInteger(bin)) goTo(toggled(query, "bin", String(bin)));
        else return [same(), same()];
        return [null, null];
      },

      // Not an Output: Dash would let the charts wait, at each click, for all that comes before it.
      chart(key, charted) {
        if (JSON.stringify(key) !== JSON.stringify(charted)) {
          window.dash_clientside.set_props("charted", { data: key });
        }
      },

      drawCountries(rows) {
        whenIdle(() => {
          document.getElementById("countries")?.replaceChildren(...(rows ?? []).map(countryRow));
          window.dash_clientside.atlas.keepFocus();
        });
        return rows?.length ?? 0;
      },

      // The controls say what the address says; a control that is used writes it.
      syncControls(query, binning, bars, view, countries, categories) {
        const params = new URLSearchParams(query);
        const by = window.dash_clientside.callback_context.triggered_id;
        const said = [
          params.get("binning") === "classic" ? "classic" : "log2",
          params.get("bars") === "shares" ? "shares" : "peers",
          params.get("map") === "classic" ? "classic" : "places",
          params.getAll("country"),
          params.getAll("category"),
        ];
        const set = [binning, bars, view, countries ?? [], categories ?? []];
        const alike = said.map((value, i) => String(value) === String(set[i]));
        const own = query === ours;
        ours = null;
        if (!by || (by === "address" && !own)) return said.map((value, i) => (alike[i] ? same() : value));
        if (alike.every(Boolean)) return said.map(same);
        const put = (key, value, plain) => {
          if (value === plain) params.delete(key); else params.set(key, value);
        };
        if (!alike[0]) params.delete("bin"); // it was one of the other bins
        put("binning", binning, "log2");
        put("bars", bars, "peers");
        put("map", view, "places");
        for (const [key, values] of [["country", set[3]], ["category", set[4]]]) {
          params.delete(key);
          values.forEach((value) => params.append(key, value));
        }
        ours = written(params);
        goTo(ours);
        return said.map(same);
      },

      // What the map shows, in steps: asked for anew only when a step is passed.
      viewport(moved, before) {
        const zoom = moved?.["map.zoom"], corners = moved?.["map._derived"]?.coordinates;
        if (typeof zoom !== "number") return same();
        const step = Math.floor(zoom);
        const now = { zoom: step };
        if (step >= CLOSE_FROM_ZOOM && corners) {
          const tile = 360 / 2 ** step;
          const lons = corners.map(([lon]) => lon), lats = corners.map(([, lat]) => lat);
          const low = (values) => Math.floor(Math.min(...values) / tile) * tile - tile;
          const high = (values) => Math.ceil(Math.max(...values) / tile) * tile + tile;
          const turned = (lon) => ((lon + 540) % 360) - 180;
          const wide = high(lons) - low(lons) >= 360;
          now.bounds = [
            wide ? -180 : turned(low(lons)), Math.max(-90, low(lats)),
            wide ? 180 : turned(high(lons)), Math.min(90, high(lats)),
          ];
        }
        return JSON.stringify(now) === JSON.stringify(before) ? same() : now;
      },
    },
  });
})();
