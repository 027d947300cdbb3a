// Builds dist/, the bundle that the gateway embeds. The same sources and lock file give the same bytes.

import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { brotliCompressSync, gzipSync } from "node:zlib";

// Browsers of spring 2023 and later: the page uses 64-bit integers, look-behind and media range syntax.
const BROWSERS = ["chrome111", "firefox114", "safari16.4"];

process.chdir(import.meta.dirname);

const { dependencies } = JSON.parse(await readFile("package.json", "utf8"));

// The licences of what is bundled ask to be named with it.
async function notice() {
  const lines = await Promise.all(
    Object.keys(dependencies).map(async (name) => {
      const { version, license } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
      return `${name} ${version}, ${license}`;
    }),
  );
  return `/*! Contains ${lines.join("; ")}. */`;
}

execFileSync(process.execPath, ["node_modules/@bufbuild/buf/bin/buf", "generate"], { stdio: "inherit" });

await rm("dist", { recursive: true, force: true });
await mkdir("dist");
await build({
  entryPoints: { app: "src/main.tsx", thread: "src/reading/thread.ts" },
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  target: BROWSERS,
  charset: "utf8",
  legalComments: "none",
  define: { THREAD_URL: '"/thread.js"' },
  banner: { js: await notice() },
});
await build({
  entryPoints: { app: "src/shell/app.css" },
  outdir: "dist",
  bundle: true,
  minify: true,
  charset: "utf8",
  target: BROWSERS,
});
await cp("public/index.html", "dist/index.html");
await cp("public/favicon.svg", "dist/favicon.svg");

let total = { raw: 0, gzip: 0, brotli: 0 };
for (const name of (await readdir("dist")).sort()) {
  const bytes = await readFile(`dist/${name}`);
  const size = {
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes).length,
  };
  print(name, size);
  total = { raw: total.raw + size.raw, gzip: total.gzip + size.gzip, brotli: total.brotli + size.brotli };
}
print("total", total);

function print(name, { raw, gzip, brotli }) {
  const columns = [raw, gzip, brotli].map((bytes) => `${bytes}`.padStart(7));
  console.log(`${name.padEnd(12)} ${columns[0]} bytes ${columns[1]} gzip ${columns[2]} brotli`);
}
