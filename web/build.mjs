// Bundles the page into the package: no request leaves the machine that serves it.
import { build } from "esbuild";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";

const out = new URL("../chanvae/explore/page/", import.meta.url).pathname;
await build({
  entryPoints: { app: "src/main.ts" },
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
  legalComments: "none",
  outdir: out,
  charset: "utf8",
});
for (const name of ["index.html", "icon.svg"]) copyFileSync(`src/${name}`, `${out}${name}`);
const version = JSON.parse(readFileSync("node_modules/uplot/package.json", "utf8")).version;
const text = readFileSync("node_modules/uplot/LICENSE", "utf8");
writeFileSync(`${out}licences.txt`, `uPlot ${version}\n\n${text}`);
