// Builds dashboard/assets/charts-library.js as plotly.js builds its own bundles, with fewer traces.
// Run it when requirements.txt takes another plotly: the two must have one version of plotly.js,
// and tests/unit/test_charts_library.py holds them to it.

const { readFile } = require("node:fs/promises");
const path = require("node:path");
const { environmentPlugin } = require("esbuild-plugin-environment");
const { glsl } = require("esbuild-plugin-glsl");
const inlineCss = require("esbuild-plugin-inline-css");

// plotly.js makes a table of all names of countries when it is read. The page
// names countries by their codes: the table is made when a name is first looked up.
const lateNames = {
  name: "late-names",
  setup(build) {
    build.onLoad({ filter: /plotly\.js\/src\/lib\/geo_location_utils\.js$/ }, async ({ path: file }) => {
      const made = "const { lookupAlpha3 } = createLookup([...COUNTRIES, ...COUNTRIES_X]);";
      const late = "let names; const lookupAlpha3 = name => (names ??= createLookup([...COUNTRIES, ...COUNTRIES_X])).lookupAlpha3(name);";
      const contents = await readFile(file, "utf8");
      if (!contents.includes(made)) throw new Error(`${file} makes its names another way now`);
      return { contents: contents.replace(made, late), loader: "js" };
    });
  },
};

require("esbuild").build({
  entryPoints: [path.join(__dirname, "entry.cjs")],
  outfile: path.join(__dirname, "../../dashboard/assets/charts-library.js"),
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "Plotly",
  target: "es2020",
  legalComments: "eof", // the licences go with it
  banner: { js: "/* plotly.js 4.1.1, Copyright 2012-2026, Plotly, Inc., MIT licence; parts of it, see the end */" },
  plugins: [
    lateNames,
    (inlineCss.default ?? inlineCss)(),
    glsl({ minify: true }),
    environmentPlugin({ NODE_DEBUG: false }),
  ],
  alias: { regl: "@plotly/regl", stream: "stream-browserify" },
  define: { global: "window", "define.amd": "false" },
});
