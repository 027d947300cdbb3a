// Makes the page's files: `assets/` with a hash of the content in each name, which may be kept for ever, and what names them.

import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

// Browsers of spring 2023 and later: the page uses 64-bit integers, look-behind and media range syntax.
const BROWSERS = ["chrome111", "firefox114", "safari16.4"];

const FOLDER = import.meta.dirname;

/** Stands for the address of the reading thread's code until that is known. */
const THREAD = "/assets/thread.js";

/** Generates the client from the .proto files. */
export function generate() {
  execFileSync(process.execPath, ["node_modules/@bufbuild/buf/bin/buf", "generate"], { cwd: FOLDER, stdio: "inherit" });
}

/** Makes all files of the page in a folder, which is emptied first. The same sources and lock file give the same bytes. */
export async function bundle(outdir, { minify }) {
  const common = {
    absWorkingDir: FOLDER,
    outdir: "assets",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    minify,
    sourcemap: minify ? false : "inline",
    metafile: true,
    write: false,
    charset: "utf8",
    target: BROWSERS,
  };
  // What the page and its thread have in common is loaded once.
  const code = await build({
    ...common,
    entryPoints: { app: "src/main.tsx", thread: "src/reading/thread.ts" },
    splitting: true,
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    define: { THREAD_URL: JSON.stringify(THREAD) },
    legalComments: "none",
    banner: { js: "/*! Licences of what is bundled here: /licenses.txt */" },
  });
  const style = await build({ ...common, entryPoints: { app: "src/shell/app.css" } });

  const assets = [...code.outputFiles, ...style.outputFiles];
  const [app, thread, css] = ["app-*.js", "thread-*.js", "app-*.css"].map((pattern) => only(assets, pattern));
  const chunks = assets.filter((asset) => ![app, thread, css].includes(asset));
  const main = named(app.text.replace(THREAD, address(thread.path)), "app", ".js");
  // Loaded together with what imports them, and not after it.
  const preloads = chunks.map(({ path }) => `<link rel="modulepreload" href="${address(path)}" />`);
  const html = (await readFile(join(FOLDER, "public/index.html"), "utf8"))
    .replace("/assets/app.css", address(css.path))
    .replace("/assets/app.js", address(main.path))
    .replace(/(?=<script )/, preloads.map((link) => `${link}\n    `).join(""));

  await rm(outdir, { recursive: true, force: true });
  await mkdir(join(outdir, "assets"), { recursive: true });
  for (const { path, contents } of [main, thread, css, ...chunks]) {
    await writeFile(join(outdir, address(path)), contents);
  }
  await writeFile(join(outdir, "index.html"), html);
  await cp(join(FOLDER, "public/favicon.svg"), join(outdir, "favicon.svg"));
  await writeFile(join(outdir, "licenses.txt"), await licences(Object.keys(code.metafile.inputs)));
}

/** The one asset of this name. */
function only(assets, pattern) {
  const [start, end] = pattern.split("*");
  const found = assets.filter(({ path }) => basename(path).startsWith(start) && path.endsWith(end));
  if (found.length !== 1) {
    throw new Error(`${found.length} assets are ${pattern}, and not one: ${assets.map(({ path }) => path).join(", ")}`);
  }
  return found[0];
}

/** A file named by its content, as esbuild names those that it knows whole. */
function named(text, name, ending) {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();
  return { path: `${name}-${hash}${ending}`, contents: text };
}

/** Where the gateway serves an asset. */
function address(path) {
  return `/assets/${basename(path)}`;
}

/** The licences of the packages that these files are of: they ask to come along. */
async function licences(inputs) {
  const packages = inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  const texts = [...new Set(packages)].sort().map(async (name) => {
    const folder = join(FOLDER, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file));
    const text = file === undefined ? "" : `\n${(await readFile(join(folder, file), "utf8")).trim()}\n`;
    return `${name} ${version}, ${license}\n${text}`;
  });
  // Some packages name this licence without bringing its text.
  const apache = (await readFile(join(FOLDER, "../LICENSE-APACHE"), "utf8")).trim();
  return [...(await Promise.all(texts)), `Apache-2.0\n\n${apache}\n`].join(`\n${"-".repeat(72)}\n\n`);
}
