// Made-up texts, most of them nearly lists: what the page's parser makes of them is what a slow and plain one does.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { it } from "node:test";
import fc from "fast-check";
import { MAX_PROBLEMS } from "../../src/reading/problems";
import { parseIntegers, parsePieces } from "../reading";
import { place, read } from "./reference";

const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? 60);
const READING = new URL("reading.json", import.meta.url);

const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 24 });
const group = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 3, maxLength: 3 });
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(..."0123456789") },
  { weight: 3, arbitrary: digits },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom("\u00a0", "\u2009", "\u202f"), group).map((parts) => parts.join("")),
  },
  { weight: 2, arbitrary: fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String) },
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }).map((near) => String(2n ** 63n + BigInt(near))) },
  { weight: 6, arbitrary: fc.constantFrom(",", ";", " ", "\t", "\n", "\r", "\r\n", ", ") },
  { weight: 3, arbitrary: fc.constantFrom("+", "-", "\u2212", ".", "e", "E", "x", "00") },
  { weight: 2, arbitrary: fc.constantFrom("\u00a0", "\u2009", "\u202f", "\ufeff", "\u2028", "\u200b") },
  { weight: 1, arbitrary: fc.constantFrom("[", "]", "(", ")", "{", "}") },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) },
  // Halves of surrogate pairs too.
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) },
);
const anyText = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));
const text = fc.oneof(
  anyText,
  fc.tuple(fc.constantFrom("[", "("), anyText, fc.constantFrom("]", ")")).map((t) => t.join("")),
);

function during(share: number): fc.Parameters<unknown> {
  return { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: share * SECONDS * 1000 };
}

function check(given: string): void {
  const parsed = parseIntegers(given);
  const found = read(given);
  const bad = found.filter(({ value }) => value === undefined);
  if (parsed.ok) {
    assert.deepEqual(bad, []);
    assert.deepEqual(
      parsed.values,
      found.map(({ value }) => value),
    );
    return;
  }
  assert.deepEqual(
    parsed.problems.map(({ length, offset, line, column }) => ({ length, offset, line, column })),
    bad.slice(0, MAX_PROBLEMS).map(({ token, offset }) => ({ length: token.length, offset, ...place(given, offset) })),
  );
  assert.equal(parsed.problems.length + parsed.more, bad.length);
  for (const { token, excerpt } of parsed.problems) {
    assert.ok(token.length <= 100 && excerpt.text.length < 1000, excerpt.text);
    assert.ok(excerpt.start < excerpt.end && excerpt.end <= excerpt.text.length, excerpt.text);
    assert.ok(!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(excerpt.text), excerpt.text);
  }
}

it("any text is read as by the slow parser", () => {
  fc.assert(fc.property(text, check), during(0.4));
});

it("a text cut anywhere is read as the whole", () => {
  const cut = fc.property(text, fc.nat(), fc.nat(), (given, first, second) => {
    const [from, to] = [first % (given.length + 1), second % (given.length + 1)].sort((a, b) => a - b);
    const pieces = [given.slice(0, from), given.slice(from, to), given.slice(to)];
    assert.deepEqual(parsePieces(pieces), parseIntegers(given));
  });
  fc.assert(cut, during(0.2));
});

// One piece again and again, mostly without a separator: where a reader that goes back and forth takes quadratic time, and is
// not done before the run is ended from outside.
const repeated = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom("0", "1", ".", "1.", "1e", "-", "\u202f000", "\u00a0", "\ufeff", "[", "\r", "\u{1f600}"),
  },
  { weight: 1, arbitrary: fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join("") || " ") },
);
const before = fc.oneof({ weight: 3, arbitrary: fc.constantFrom("", "-", "1", "[") }, { weight: 1, arbitrary: text });
const after = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("", "x", ".", "e", " x") },
  { weight: 1, arbitrary: text },
);

it("a text of half a million characters is read too", () => {
  const long = fc.property(fc.record({ before, repeated, after }), (parts) => {
    writeFileSync(READING, JSON.stringify(parts));
    const times = 500_000 / parts.repeated.length;
    parseIntegers(parts.before + parts.repeated.repeat(times) + parts.after);
  });
  fc.assert(long, during(0.4));
});
