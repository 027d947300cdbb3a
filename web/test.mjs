// Bundles the tests with esbuild and runs them with node's own runner. `node test.mjs unit` needs nothing else;
// `node test.mjs stack` drives a real Chromium against a real gateway (README.md says what it needs); `node test.mjs fuzz`
// makes up texts for $FUZZ_SECONDS, 60 if not set. Names after it pick test files: `node test.mjs stack language`.

import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

process.chdir(import.meta.dirname);

const FOLDERS = { unit: "test", stack: "test/browser", fuzz: "test/fuzz" };
const ENDING = ".test.ts";

const [kind = "unit", ...picked] = process.argv.slice(2);
const folder = FOLDERS[kind];
if (folder === undefined) {
  console.error(`usage: node test.mjs ${Object.keys(FOLDERS).join("|")} [NAME...]`);
  process.exit(2);
}

const all = (await readdir(folder))
  .filter((file) => file.endsWith(ENDING))
  .map((file) => file.slice(0, -ENDING.length));
const unknown = picked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no test in ${folder} is named ${unknown.join(", ")}; there are ${all.join(", ")}`);
  process.exit(2);
}
const names = picked.length > 0 ? picked : all;

const outdir = `build/test-${kind}`;
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: names.map((name) => join(folder, name + ENDING)),
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
});

const files = names.map((name) => join(outdir, `${name}.test.mjs`));
// One file at a time: each of them may start a browser and a stack of its own.
const options = ["--enable-source-maps", "--test", "--test-reporter=spec", "--test-concurrency=1"];
// Fuzzing ends by itself, unless the code under test hangs.
const seconds = Number(process.env.FUZZ_SECONDS ?? 60);
const limit = kind === "fuzz" ? { timeout: (seconds + 120) * 1000 } : {};
const { status, error } = spawnSync(process.execPath, [...options, ...files], { stdio: "inherit", ...limit });
if (error !== undefined) {
  console.error(`${error.message}; what was being read is in ${outdir}/reading.json`);
}
process.exit(status ?? 1);
