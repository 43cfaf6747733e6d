// What of plotly.js the page draws with: bars, places and countries (docs/adr/0020).
const Plotly = require("plotly.js/lib/core");

Plotly.register([
  require("plotly.js/lib/bar"),
  require("plotly.js/lib/scattermap"),
  require("plotly.js/lib/choroplethmap"),
]);
module.exports = Plotly;
