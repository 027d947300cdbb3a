// All texts of the page, side by side in its languages. TypeScript sees to it that they have the same shape.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/** Texts that are the same in English and French because that is what they are. */
const SAME = new Set([
  "Code",
  "Distribution",
  "JSON",
  "Max",
  "Message",
  "Min",
  "Point",
  "Quantiles",
  "Total",
  "Trace",
  "Variance",
  "Worker",
]);

interface Text {
  readonly path: string;
  readonly en: unknown;
  readonly fr: unknown;
}

let texts: Text[];

before(async () => {
  const files = await readdir("src", { recursive: true });
  texts = [];
  for (const file of files.filter((file) => file.endsWith("words.ts"))) {
    for (const [name, pair] of Object.entries(await load(join("src", file)))) {
      if (isTexts(pair)) {
        texts.push(...leaves(`${file}: ${name}`, pair.en, pair.fr));
      }
    }
  }
  assert.ok(texts.length > 10, "the texts were found");
});

test("every text is there in both languages", () => {
  for (const { path, en, fr } of texts) {
    assert.equal(typeof fr, typeof en, path);
    assert.equal(fr === "", en === "", `${path} is empty in one language only`);
  }
});

test("no text was left in the other language", () => {
  const same = texts.filter(({ en, fr }) => typeof en === "string" && en === fr && /\p{L}{2}/u.test(en));
  assert.deepEqual(
    same.filter(({ en }) => !SAME.has(en as string)).map(({ path, en }) => `${path}: ${String(en)}`),
    [],
  );
});

test("French is set as French is: typographic apostrophes, no-break spaces before high punctuation and in guillemets", () => {
  const wrong = texts.flatMap(({ path, fr }) => {
    // Of a text with a number in it the source is looked at, where a space before a sign may be the program's own.
    const rules =
      typeof fr === "string"
        ? [/\p{L}'\p{L}/u, /[^\s\u00a0\u202f][ ]?[;!?»](?!\S)/u, / :|[^\s\u00a0]:(?!\S)/, /«[^\u00a0\u202f]/]
        : [/\p{L}'\p{L}/u];
    return rules.filter((rule) => rule.test(String(fr))).map((rule) => `${path}: ${String(fr)} (${rule.source})`);
  });
  assert.deepEqual(wrong, []);
});

test("texts stand in files named words.ts, where this test finds them", async () => {
  for (const file of await readdir("src", { recursive: true })) {
    if (/\.tsx?$/.test(file) && !file.endsWith("words.ts") && file !== join("language", "language.ts")) {
      assert.doesNotMatch(await readFile(join("src", file), "utf8"), /\bwords\(/, file);
    }
  }
});

/** Loads a module of texts with a `words` that gives them in all languages. */
async function load(path: string): Promise<Record<string, unknown>> {
  const outfile = join("build", "words", `${path.replaceAll(/\W/g, "-")}.mjs`);
  await build({
    entryPoints: [path],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    plugins: [
      {
        name: "all-languages",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /\/language$/ }, () => ({ path: "language", namespace: "all-languages" }));
          onResolve({ filter: /\/format$/ }, () => ({ path: "format", namespace: "all-languages" }));
          onLoad({ filter: /^language$/, namespace: "all-languages" }, () => ({
            contents: "export const words = (texts) => texts;",
          }));
          onLoad({ filter: /^format$/, namespace: "all-languages" }, () => ({
            contents: "export const integer = String, double = String, moment = String, duration = String;",
          }));
        },
      },
    ],
  });
  return (await import(pathToFileURL(outfile).href)) as Record<string, unknown>;
}

function isTexts(value: unknown): value is { readonly en: unknown; readonly fr: unknown } {
  return typeof value === "object" && value !== null && "en" in value && "fr" in value;
}

function leaves(path: string, en: unknown, fr: unknown): Text[] {
  if (typeof en !== "object" || en === null || typeof fr !== "object" || fr === null) {
    return [{ path, en, fr }];
  }
  const keys = new Set([...Object.keys(en), ...Object.keys(fr)]);
  return [...keys].flatMap((key) =>
    leaves(`${path}.${key}`, (en as Record<string, unknown>)[key], (fr as Record<string, unknown>)[key]),
  );
}
