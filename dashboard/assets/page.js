// The browser's side of the page: when a beat may pass, the theme, and what needs no request.
// Every function under `atlas` is named by dashboard/pulse.py or by a page's callbacks.

(() => {
  const WHEEL_REST_MS = 700; // an update in the middle of a drag or a wheel zoom aborts it
  let pointerDown = false;
  let lastWheel = 0;
  let waiting = 0; // requests of ours without an answer: no beat until they have one

  window.addEventListener("pointerdown", () => { pointerDown = true; }, true);
  for (const end of ["pointerup", "pointercancel", "blur"]) {
    window.addEventListener(end, () => { pointerDown = false; }, true);
  }
  window.addEventListener("wheel", () => { lastWheel = Date.now(); }, { capture: true, passive: true });

  // Scripts that the first page does without (dashboard/document.py): once all is shown, or when
  // another page is come to.
  let loadedLater = null;
  const later = () => {
    loadedLater ??= Promise.all([...document.querySelectorAll("link[rel=next-script]")].map(
      ({ href }) => new Promise((done, failed) => {
        const script = document.createElement("script");
        [script.src, script.onload, script.onerror] = [href, done, failed];
        document.head.append(script);
      }),
    ));
    loadedLater.catch(() => { loadedLater = null; }); // the server is gone: tried again
    return loadedLater;
  };
  const LATER_MS = 4000;
  window.addEventListener("load", () => { setTimeout(() => requestIdleCallback(() => later()), LATER_MS); });

  // Our charts' library: were it not there by then, dcc.Graph would load one of its own.
  const charts = document.getElementById("charts");
  const chartsAreThere = new Promise((done) => {
    if (!charts || window.Plotly) done();
    else for (const end of ["load", "error"]) charts.addEventListener(end, done);
  });

  // The part of Dash that draws them is a script of the page (dashboard/document.py), but Dash looks
  // for it at the first chart alone, and runs all first callbacks before it goes on. So it is made
  // to look now: a chart that is nowhere is begun, and taken away.
  const drawsCharts = () => {
    if (!document.getElementById("graph-part")) return null;
    const { React, ReactDOM, dash_core_components: { Graph } } = window;
    const nowhere = ReactDOM.createRoot(document.createElement("div"));
    ReactDOM.flushSync(() => nowhere.render(React.createElement(Graph)));
    nowhere.unmount();
    return Graph._dashprivate_isLazyComponentReady;
  };

  // A chart that is left while it is being drawn is taken apart when it has been: plotly goes on
  // with its drawing in steps, and would miss what is gone.
  const drawing = new Map(); // by their elements
  chartsAreThere.then(() => {
    const { react, purge } = window.Plotly;
    window.Plotly.react = (graph, ...figure) => {
      const drawn = Promise.resolve(react(graph, ...figure));
      const ended = () => { if (drawing.get(graph) === drawn) drawing.delete(graph); };
      drawing.set(graph, drawn);
      drawn.then(ended, ended);
      return drawn;
    };
    window.Plotly.purge = (graph) => {
      const take = () => { purge(graph); };
      Promise.resolve(drawing.get(graph)).then(take, take);
    };
  });

  // A map is drawn in steps, and at each answer Dash looks at all of the page. So what Dash asks
  // first of the functions below waits for the first charts, but no longer than for one that fails.
  const LONGEST_DRAWING_MS = 1500;
  let firstCharts = null;
  let firstAreDrawn = null; // not known before the document has been read
  const afterFirstCharts = (answer) => (...given) => {
    firstAreDrawn ??= !document.getElementById("graph-part");
    if (firstAreDrawn) return answer(...given);
    firstCharts ??= Promise.race([
      Promise.allSettled(drawing.values()),
      new Promise((done) => { setTimeout(done, LONGEST_DRAWING_MS); }),
    ]).then(() => { firstAreDrawn = true; });
    const { callback_context: context } = window.dash_clientside;
    return firstCharts.then(() => {
      window.dash_clientside.callback_context = context;
      try { return answer(...given); } finally { delete window.dash_clientside.callback_context; }
    });
  };
  const allAfterFirstCharts = (answers) => Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [name, afterFirstCharts(answer)]),
  );

  const plainFetch = window.fetch;
  window.fetch = async (...request) => {
    if (String(request[0]).includes("_dash-layout") && window.firstPage) {
      const asked = window.firstPage; // assets/first.js has asked for it, and for the page in it
      window.firstPage = null;
      await chartsAreThere;
      await drawsCharts();
      return asked.catch(() => plainFetch(...request));
    }
    if (!String(request[0]).includes("_dash-update-component")) return plainFetch(...request);
    waiting += 1;
    try {
      if (String(request[1]?.body).includes("main.children")) await later();
      const answer = await plainFetch(...request);
      document.documentElement.classList.remove("offline");
      return answer;
    } catch {
      document.documentElement.classList.add("offline");
      return new Response(null, { status: 204 }); // dash: nothing changes
    } finally {
      waiting -= 1;
    }
  };

  const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");
  systemIsDark.addEventListener("change", () => {
    window.dash_clientside.set_props("system-scheme", { data: systemIsDark.matches });
  });
  // Until the first answer of the server, the page already has the system's colours.
  document.documentElement.dataset.mantineColorScheme = systemIsDark.matches ? "dark" : "light";

  // The table is built anew with each update; who stands on one of its buttons stays there.
  let focused = null; // a selector
  const sameButton = ({ dataset }) => {
    const quoted = (value) => `"${CSS.escape(value)}"`;
    if (dataset.country) return `button[data-country=${quoted(dataset.country)}]`;
    if (!dataset.pick) return null;
    return `.countries button[data-pick=${quoted(dataset.pick)}][data-value=${quoted(dataset.value)}]`;
  };
  document.addEventListener("focusin", (event) => { focused = sameButton(event.target); });
  document.addEventListener("pointerdown", () => { focused = null; }, true);
  const restoreFocus = () => {
    if (focused === null || document.activeElement !== document.body) return;
    document.querySelector(focused)?.focus({ preventScroll: true });
  };

  let hidden = [];
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-country]");
    if (!button) return;
    const country = button.dataset.country;
    hidden = hidden.includes(country)
      ? hidden.filter((other) => other !== country)
      : [...hidden, country];
    window.dash_clientside.set_props("hidden", { data: hidden });
  });

  // Files may be dropped anywhere: they are handed to the zone, as if chosen there.
  const MOST_BYTES = 64_000_000; // dashboard/intake.py takes no more at once
  const ZONE_MS = 3000;
  const MOST_IN_FOLDERS = 10_000; // files and folders that are looked at
  const say = (said) => {
    window.dash_clientside.set_props("notice-text", { children: said });
    window.dash_clientside.set_props("notice", { className: "message failed" });
  };
  const tooMuch = (files) => {
    if ([...files].reduce((sum, file) => sum + file.size, 0) <= MOST_BYTES) return false;
    say("That is more than 64 MB at once: drop fewer files, or use python main.py add.");
    return true;
  };
  const isTorrent = (file) => file.name.toLowerCase().endsWith(".torrent");
  // Of a folder, the .torrent files in it, however deep; what else is in it is nobody's business.
  const entriesOf = (folder) => new Promise((resolve, reject) => {
    const reader = folder.createReader();
    const found = [];
    const more = () => reader.readEntries((some) => { // it gives a hundred at a time
      found.push(...some);
      if (some.length === 0) resolve(found); else more();
    }, reject);
    more();
  });
  const torrentsIn = async (folder) => {
    const folders = [folder];
    const found = [];
    let seen = 0;
    for (const next of folders) { // it grows meanwhile
      for (const entry of await entriesOf(next)) {
        seen += 1;
        if (seen > MOST_IN_FOLDERS) throw new Error("too many");
        if (entry.isDirectory) folders.push(entry);
        else if (isTorrent(entry)) found.push(await new Promise((...ends) => entry.file(...ends)));
      }
    }
    return found;
  };
  // A drop may come before the zone is there; on a page without one it says where that is.
  const zone = async () => {
    const end = Date.now() + ZONE_MS;
    for (;;) {
      const input = document.querySelector("#upload input[type=file]");
      if (input || Date.now() > end) return input;
      await new Promise((done) => { setTimeout(done, 50); });
    }
  };
  const handOver = async (files) => {
    const input = await zone();
    if (!input) { say("Files are taken in on the Overview: drop them there."); return; }
    if (files.length === 0) { say("There is no .torrent file in that folder."); return; }
    const carried = new DataTransfer();
    for (const file of files) carried.items.add(file);
    input.files = carried.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const dragging = (on) => { document.documentElement.classList.toggle("dragging", on); };
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // else a drop beside the zone would open the file instead of the page
    dragging(true);
  }, true);
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) dragging(false); });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    dragging(false);
    event.stopPropagation();
    // Both are to be had during the event alone.
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const dropped = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
    Promise.all(dropped.map(({ entry, file }) => (entry?.isDirectory ? torrentsIn(entry) : [file])))
      .then((files) => handOver(files.flat()))
      .catch(() => say("That folder could not be read to its end: use python main.py add FOLDER."));
  }, true);
  document.addEventListener("change", (event) => {
    if (!event.target.matches("#upload-folder input[type=file]")) return;
    event.stopPropagation();
    void handOver([...event.target.files].filter(isTorrent));
    event.target.value = ""; // so that the same folder may be chosen again
  }, true);
  document.addEventListener("change", (event) => {
    if (!event.target.matches("#upload input[type=file]") || !tooMuch(event.target.files)) return;
    event.stopPropagation();
    event.target.value = "";
  }, true);

  const same = () => window.dash_clientside.no_update;
  const { drawCountries, ...overview } = window.dash_clientside.overview;
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    overview: { drawCountries, ...allAfterFirstCharts(overview) }, // the table is part of the first view
    atlas: allAfterFirstCharts({
      tick(beats, paused) {
        const busy = pointerDown || waiting > 0 || Date.now() - lastWheel < WHEEL_REST_MS;
        return paused || busy || document.hidden ? same() : beats;
      },
      togglePause: (_clicks, paused) => !paused,
      showPause: (paused) => [
        paused ? "Play" : "Pause",
        paused ? "Paused" : "Live",
        paused ? "live paused" : "live",
      ],
      chooseScheme(choice) {
        const system = systemIsDark.matches ? "dark" : "light";
        const scheme = choice === "light" || choice === "dark" ? choice : system;
        return [scheme, scheme, window.innerWidth];
      },
      // The address bar is what holds; the picker follows it, and writes into it when it is used.
      pickRun(query, picked) {
        const wanted = new URLSearchParams(query);
        const inAddress = wanted.get("run") ?? "latest";
        const byPicker = window.dash_clientside.callback_context.triggered_id === "run-picker";
        if (picked === inAddress) return [same(), same()];
        if (!byPicker || !picked) return [same(), inAddress];
        if (picked === "latest") wanted.delete("run"); else wanted.set("run", picked);
        for (const ofOneRun of ["place", "swarm"]) wanted.delete(ofOneRun);
        const text = String(wanted);
        return [text ? `?${text}` : "", same()];
      },
      keepRunInLinks(query) {
        const run = new URLSearchParams(query).get("run");
        const links = document.querySelectorAll("nav.pages a");
        return [...links].map((link) => {
          const search = run ? `?run=${encodeURIComponent(run)}` : "";
          return link.search === search ? same() : link.pathname + search;
        });
      },
      // At a page, the first too: the tab's title, the mark in the navigation, the reader's focus.
      arrive(title) {
        if (!title) return same(); // the frame alone: its page is still to come
        const first = document.title === title;
        document.title = title;
        for (const link of document.querySelectorAll("nav.pages a")) {
          const path = window.location.pathname;
          const here = link.pathname === "/" ? path === "/" : `${path}/`.startsWith(`${link.pathname}/`);
          if (here) link.setAttribute("aria-current", path === link.pathname ? "page" : "true");
          else link.removeAttribute("aria-current");
        }
        if (first) return same();
        window.scrollTo(0, 0);
        document.getElementById("main").focus({ preventScroll: true });
        return title;
      },
      showResult: (ended, dismissed) =>
        !ended || ended.job === dismissed ? "message hidden" : `message ${ended.state}`,
      dismissResult: (_clicks, ended) => (ended ? ended.job : same()),
      keepFocus: () => { setTimeout(restoreFocus); },
      dismissNotice: () => "message hidden",
      closePurge: () => false,
    }),
  });
})();
