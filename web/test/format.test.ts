import assert from "node:assert/strict";
import { before, beforeEach, it } from "node:test";

let format: typeof import("../src/language/format");
let language: typeof import("../src/language/language");

before(async () => {
  // What a browser has and Node has not.
  Object.defineProperty(globalThis, "navigator", {
    value: { languages: ["de-DE", "fr-CH", "en-GB"] },
    configurable: true,
  });
  language = await import("../src/language/language");
  format = await import("../src/language/format");
});

beforeEach(() => language.choose("en"));

it("the page speaks the first of the browser's languages that it has", () => {
  language.choose("fr");
  assert.equal(language.locale.value, "fr-CH");
  language.choose("en");
  assert.equal(language.locale.value, "en-GB");
});

it("integers of any length are grouped, and keep every digit", () => {
  assert.equal(format.integer(2452), "2,452");
  assert.equal(format.integer(-(2n ** 63n)), "-9,223,372,036,854,775,808");
  assert.equal(format.integer("99999999999999999999999999999999999999"), `99${",999".repeat(12)}`);
});

it("doubles keep the digits that tell them from all others, however small or large", () => {
  assert.equal(format.double(499.6), "499.6");
  assert.equal(format.double(0.1 + 0.2), "0.30000000000000004");
  assert.equal(format.double(-0.5), "-0.5");
  assert.equal(format.double(-2452.5), "-2,452.5");
  assert.equal(format.double(0), "0");
  assert.equal(format.double(1e23), "100,000,000,000,000,000,000,000");
  // The variance of ten million values of which one is not like the others.
  assert.equal(format.double(9.999999000000001e-8), "0.00000009999999000000001");
  assert.equal(format.double(1.2345678901234567e-30), "0.0000000000000000000000000000012345678901234567");
});

it("numbers have the form of the language, or the browser's own of it", () => {
  language.choose("fr");
  assert.equal(format.double(2452.5), new Intl.NumberFormat("fr-CH").format(2452.5));
  assert.notEqual(format.double(2452.5), "2,452.5");
});

it("durations have three significant digits and a unit", () => {
  assert.equal(format.duration(0.4234), "0.423\u00a0ms");
  assert.equal(format.duration(0.04567), "0.0457\u00a0ms");
  assert.equal(format.duration(12.34), "12.3\u00a0ms");
  assert.equal(format.duration(1_234), "1.23\u00a0s");
  assert.equal(format.duration(95_000), "95\u00a0s");
});
