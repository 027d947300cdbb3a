// Makes the page's files: `assets/` with the content's hash in each name, which may be kept for ever, and what names them.

import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

// Browsers of spring 2023 and later: the page uses 64-bit integers, look-behind and media range syntax.
const BROWSERS = ["chrome111", "firefox114", "safari16.4"];

const FOLDER = import.meta.dirname;

/** Generates the client from the .proto files. */
export function generate() {
  execFileSync(process.execPath, ["node_modules/@bufbuild/buf/bin/buf", "generate"], { cwd: FOLDER, stdio: "inherit" });
}

/** Makes all files of the page in a folder, which is emptied first. The same sources and lock file give the same bytes. */
export async function bundle(outdir, { minify }) {
  const assets = join(outdir, "assets");
  await rm(outdir, { recursive: true, force: true });
  await mkdir(assets, { recursive: true });

  const common = {
    absWorkingDir: FOLDER,
    outdir: assets,
    entryNames: "[name]-[hash]",
    bundle: true,
    minify,
    sourcemap: minify ? false : "inline",
    metafile: true,
    charset: "utf8",
    target: BROWSERS,
  };
  const code = { ...common, format: "esm", legalComments: "none", jsx: "automatic", jsxImportSource: "preact" };
  const banner = { js: "/*! Licences of what is bundled here: /licenses.txt */" };
  const thread = await build({ ...code, banner, entryPoints: { thread: "src/reading/thread.ts" } });
  const define = { THREAD_URL: JSON.stringify(address(thread)) };
  const app = await build({ ...code, banner, define, entryPoints: { app: "src/main.tsx" } });
  const style = await build({ ...common, entryPoints: { app: "src/shell/app.css" } });

  const html = await readFile(join(FOLDER, "public/index.html"), "utf8");
  const page = html.replace("/assets/app.js", address(app)).replace("/assets/app.css", address(style));
  await writeFile(join(outdir, "index.html"), page);
  await cp(join(FOLDER, "public/favicon.svg"), join(outdir, "favicon.svg"));
  await writeFile(join(outdir, "licenses.txt"), await licences([thread, app]));
}

/** The address, on the gateway, of the one file that was built. */
function address({ metafile }) {
  return `/assets/${basename(Object.keys(metafile.outputs)[0])}`;
}

/** The licences of the packages that went into these builds: they ask to come along. */
async function licences(builds) {
  const inputs = builds.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const packages = inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  const texts = [...new Set(packages)].sort().map(async (name) => {
    const folder = join(FOLDER, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file));
    const text = file === undefined ? "" : `\n${(await readFile(join(folder, file), "utf8")).trim()}\n`;
    return `${name} ${version}, ${license}\n${text}`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(72)}\n\n`);
}
