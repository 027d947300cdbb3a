import assert from "node:assert/strict";
import { it } from "node:test";
import { DEFAULT_TIMEOUT_MS, readBins, readProbabilities, readTimeout } from "../src/options";

it("probabilities are numbers separated as integers are", () => {
  assert.deepEqual(readProbabilities(""), { ok: true, value: [] });
  assert.deepEqual(readProbabilities(" 0.25, .5;0.99\n1 0 1e-3"), { ok: true, value: [0.25, 0.5, 0.99, 1, 0, 0.001] });
});

it("a probability that is no number is named", () => {
  for (const token of ["50%", "x", "NaN", "Infinity", "0..5", "-", "1e9999"]) {
    const read = readProbabilities(`0.5, ${token}`);
    assert.ok(!read.ok && read.reason.includes(`“${token}”`), token);
  }
});

it("bins are a whole number, or none", () => {
  assert.deepEqual(readBins(" "), { ok: true, value: undefined });
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
