import "./browser-globals";
import assert from "node:assert/strict";
import { afterEach, it } from "node:test";
import { language } from "../src/language/language";
import {
  DEFAULT_BINS,
  DEFAULT_TIMEOUT_MS,
  readBins,
  readProbabilities,
  readTimeout,
  withQuartiles,
} from "../src/input/options";

afterEach(() => {
  language.value = "en";
});

it("probabilities are numbers separated as integers are", () => {
  assert.deepEqual(readProbabilities(""), { ok: true, value: [] });
  assert.deepEqual(readProbabilities(" 0.25, .5;0.99\n1 0 1e-3"), { ok: true, value: [0.25, 0.5, 0.99, 1, 0, 0.001] });
});

it("a probability that is no number is named, in the page's language", () => {
  for (const token of ["50%", "x", "NaN", "Infinity", "0..5", "-", "1e9999"]) {
    const read = readProbabilities(`0.5, ${token}`);
    assert.ok(!read.ok && read.reason.includes(`“${token}” is not a number`), token);
  }
  language.value = "fr";
  const read = readProbabilities("0.5, 50%");
  assert.ok(!read.ok && read.reason.startsWith("«\u00a050%\u00a0» n’est pas un nombre"));
});

it("the quartiles are asked for behind what is asked for, and none twice", () => {
  assert.deepEqual(withQuartiles([]), [0.25, 0.75]);
  assert.deepEqual(withQuartiles([0.99, 0.5]), [0.99, 0.5, 0.25, 0.75]);
  assert.deepEqual(withQuartiles([0.75, 0.1]), [0.75, 0.1, 0.25]);
  assert.deepEqual(withQuartiles([0.75, 0.25, 0.75]), [0.75, 0.25, 0.75]);
});

it("the quartiles never make a request too large that is not without them", () => {
  const many = (length: number) => Array.from({ length }, (_, i) => i / 1_000);
  assert.equal(withQuartiles(many(98)).length, 100);
  assert.deepEqual(withQuartiles(many(99)), many(99));
  assert.deepEqual(withQuartiles(many(100)), many(100));
  assert.deepEqual(withQuartiles(many(101)), many(101));
});

it("bins are a whole number, or the usual number of them", () => {
  assert.deepEqual(readBins(" "), { ok: true, value: DEFAULT_BINS });
  assert.deepEqual(readBins(" 20 "), { ok: true, value: 20 });
  // In range for the message; whether for the gateway, it says itself.
  assert.deepEqual(readBins("5000"), { ok: true, value: 5_000 });
  for (const text of ["1.5", "-3", "many", "4294967296"]) {
    const read = readBins(text);
    assert.ok(!read.ok && read.reason.includes(`“${text}”`), text);
  }
});

it("the address may say how long a call may take", () => {
  assert.deepEqual(readTimeout(""), { ok: true, value: DEFAULT_TIMEOUT_MS });
  assert.deepEqual(readTimeout("?timeout=500ms"), { ok: true, value: 500 });
  assert.deepEqual(readTimeout("?timeout=1s"), { ok: true, value: 1_000 });
  assert.deepEqual(readTimeout("?a=b&timeout=15m"), { ok: true, value: 900_000 });
});

it("a timeout that is no duration or too long is named", () => {
  for (const text of ["", "5", "0s", "-1s", "1h", "16m", "1.5s", "s"]) {
    const read = readTimeout(`?timeout=${text}`);
    assert.ok(!read.ok && read.reason.includes(`timeout=${text}`), text);
  }
});
