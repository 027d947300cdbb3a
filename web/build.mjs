// Builds dist/, the bundle that the gateway embeds, and prints what it costs to load. Fails if that is above the budget.

import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { bundle, generate } from "./bundle.mjs";

/** All that a browser loads, compressed by gzip, in bytes. Brotli, which browsers prefer, is smaller. */
const BUDGET = 150_000;

/** Read by people, and loaded only by those who ask for it. */
const NOT_LOADED = "licenses.txt";

process.chdir(import.meta.dirname);
generate();
await bundle("dist", { minify: true });

const files = (await readdir("dist", { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
const paths = files.map(({ parentPath, path, name }) => join(parentPath ?? path, name)).sort();
let total = { raw: 0, gzip: 0, brotli: 0 };
for (const path of paths) {
  const bytes = await readFile(path);
  const size = {
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes).length,
  };
  print(relative("dist", path), size);
  if (relative("dist", path) !== NOT_LOADED) {
    total = { raw: total.raw + size.raw, gzip: total.gzip + size.gzip, brotli: total.brotli + size.brotli };
  }
}
print(`total but ${NOT_LOADED}`, total);
console.log(`${((total.gzip / BUDGET) * 100).toFixed(0)} % of the budget, ${BUDGET} bytes by gzip`);
if (total.gzip > BUDGET) {
  console.error("the page is above its budget");
  process.exit(1);
}

function print(name, { raw, gzip, brotli }) {
  const columns = [raw, gzip, brotli].map((bytes) => `${bytes}`.padStart(7));
  console.log(`${name.padEnd(26)} ${columns[0]} bytes ${columns[1]} gzip ${columns[2]} brotli`);
}
