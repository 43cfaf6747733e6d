// The list of swarms: what the grid holds is thrown away when the search or the world changes.
// Named by dashboard/swarms/page.py; the grid then asks the server for the rows it shows.

window.dash_clientside = Object.assign({}, window.dash_clientside, {
  archive: {
    askAgain() {
      window.dash_ag_grid?.getApi("swarms-grid")?.purgeInfiniteCache();
    },
  },
});
