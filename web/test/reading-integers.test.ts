import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { visible } from "../src/plain";
import { INT64_MAX, INT64_MIN } from "../src/reading/integers";
import type { Problem, Reason } from "../src/reading/messages";
import { CONTEXT, MAX_PROBLEMS } from "../src/reading/problems";
import { parseIntegers, parsePieces } from "./reading";

const NBSP = "\u00a0";
const THIN = "\u2009";
const NARROW = "\u202f";

function accepts(text: string, ...expected: (number | bigint)[]): void {
  assert.deepEqual(parseIntegers(text), { ok: true, values: expected.map(BigInt) }, JSON.stringify(text));
}

function problems(text: string): readonly Problem[] {
  const parsed = parseIntegers(text);
  assert.ok(!parsed.ok, `${JSON.stringify(text)} was accepted`);
  return parsed.problems;
}

function refuses(text: string, token: string, reason: Reason): void {
  const [first] = problems(text);
  assert.ok(first !== undefined);
  assert.equal(text.slice(first.offset, first.offset + first.length), token, "offset and length are the token's");
  assert.equal(first.token, token.slice(0, 100));
  assert.equal(first.reason, reason);
  const { excerpt } = first;
  assert.equal(excerpt.text.slice(excerpt.start, excerpt.end), visible(token.slice(0, 100)));
}

describe("separators", () => {
  for (const [name, text] of Object.entries({
    "comma and space": "4, 5, 2, 35, 2452",
    "comma alone": "4,5,2,35,2452",
    semicolon: "4;5; 2 ;35;2452",
    space: "4 5 2  35 2452",
    tab: "4\t5\t2\t35\t2452",
    "line feed": "4\n5\n2\n35\n2452\n",
    "carriage return and line feed": "4\r\n5\r\n2\r\n35\r\n2452\r\n",
    "carriage return": "4\r5\r2\r35\r2452",
    mixed: " 4,\n5;2\t35 2452, ",
    repeated: ",,4,,5;;2,;35\n\n\n2452,",
  })) {
    it(`a list separated by ${name} is read`, () => accepts(text, 4, 5, 2, 35, 2452));
  }

  it("a comma separates even between groups of three digits", () => accepts("1,234", 1, 234));
  it("an ordinary space separates even between groups of three digits", () => accepts("1 234 567", 1, 234, 567));
  it("a text of separators alone is the empty list", () => {
    for (const text of ["", " ", "\n\n", ", ;\t", NBSP, "[]", "[ , ]", "\ufeff"]) {
      accepts(text);
    }
  });
});

describe("grouping", () => {
  it("no-break and thin spaces between groups of three digits group them", () => {
    for (const space of [NBSP, THIN, NARROW]) {
      accepts(`1${space}234${space}567`, 1_234_567);
      accepts(`-12${space}345, +123${space}456`, -12_345, 123_456);
      accepts(`9${space}223${space}372${space}036${space}854${space}775${space}807`, INT64_MAX);
    }
  });
  it("grouped numbers are still separated by ordinary spaces", () =>
    accepts(`1${NARROW}234 5${NARROW}678\n9`, 1_234, 5_678, 9));
  it("groups of another size are refused", () => {
    for (const token of [`1${NBSP}23`, `1234${NBSP}567`, `12${NBSP}3456`, `1${NBSP}${NBSP}234`, `4${THIN}5`]) {
      refuses(`7, ${token}`, token, "grouping");
    }
  });
  it("a leading zero has no groups", () => refuses(`0${NBSP}123`, `0${NBSP}123`, "grouping"));
  it("a sign is not a group", () => refuses(`-${NBSP}123`, `-${NBSP}123`, "grouping"));
  it("no-break spaces around a number mean nothing", () => accepts(`4,${NBSP}5${NBSP},${NBSP}6 ${NBSP} 7`, 4, 5, 6, 7));
  it("apostrophes, points and underscores do not group", () => {
    refuses("1'234", "1'234", "not-integer");
    refuses("1_234", "1_234", "not-integer");
    refuses("1.234", "1.234", "decimal");
    refuses("1.234.567", "1.234.567", "not-integer");
  });
});

describe("brackets", () => {
  it("one pair around the list is taken off", () => {
    accepts("[4, 5, 2]", 4, 5, 2);
    accepts("  [ 4 5\n2 ]\n", 4, 5, 2);
    accepts("(4, 5, 2)", 4, 5, 2);
    accepts("{4, 5, 2};", 4, 5, 2);
  });
  it("an open bracket that is not closed is named", () => {
    refuses("[4, 5", "[", "unclosed");
    refuses("[4, 5)", "[", "unclosed");
    refuses("[", "[", "unclosed");
  });
  it("a bracket anywhere else is named", () => {
    refuses("4, 5]", "5]", "bracket");
    refuses("[[1, 2], [3]]", "[1", "bracket");
    refuses("1, [2], 3", "[2]", "bracket");
  });
});

describe("signs", () => {
  it("plus, hyphen and the minus sign lead a number", () => accepts("+4 -5 \u22126 -0 +0", 4, -5, -6, 0, 0));
  it("a sign without digits, twice or behind is refused", () => {
    for (const token of ["-", "+", "\u2212", "--5", "+-5", "5-", "3-4", "\u20134"]) {
      refuses(`1 ${token}`, token, "not-integer");
    }
  });
});

describe("range", () => {
  it("both ends of 64 bits are read exactly", () => accepts(`${INT64_MIN}, ${INT64_MAX}`, INT64_MIN, INT64_MAX));
  it("beyond either end is refused", () => {
    for (const token of [String(INT64_MAX + 1n), String(INT64_MIN - 1n), "1".repeat(20), `-${"9".repeat(5_000)}`]) {
      refuses(`0, ${token}`, token, "beyond-64-bits");
    }
  });
  it("integers that no double holds keep every digit", () =>
    accepts("9007199254740993 -9007199254740993", 9007199254740993n, -9007199254740993n));
  it("leading zeros do not count", () => {
    accepts("007 -000 000123", 7, 0, 123);
    accepts(`${"0".repeat(50)}9223372036854775807`, INT64_MAX);
  });
  it("every number of digits is read as BigInt reads it", () => {
    const digits = "9181716151413121110";
    for (let length = 1; length <= digits.length; length += 1) {
      const text = digits.slice(0, length);
      accepts(text, BigInt(text));
      accepts(`-${text}`, -BigInt(text));
    }
  });
});

describe("bad tokens", () => {
  it("a decimal is called one", () => {
    for (const token of ["4.5", "-4.5", "4.", ".5", "4.0"]) {
      refuses(`1, ${token}, 2`, token, "decimal");
    }
  });
  it("an exponent is called one", () => {
    for (const token of ["1e3", "1.5E+10", "-2e-4"]) {
      refuses(`1, ${token}`, token, "exponent");
    }
  });
  it("anything else is not an integer", () => {
    for (const token of ["abc", "0x10", '"4"', "5a", "NaN", "\u0664", "\uff15", "4/5", "1\u200b2", "1\u30002"]) {
      refuses(`1, ${token}, 2`, token, "not-integer");
    }
  });
  it("line and column are counted from 1, in characters", () => {
    const [first] = problems("1, 2\n3, \u{1d7d9}\u{1d7d9}x, y");
    assert.deepEqual([first?.line, first?.column], [2, 4]);
    const [, second] = problems("1, 2\n3, \u{1d7d9}\u{1d7d9}x, y");
    assert.deepEqual([second?.line, second?.column], [2, 9]);
  });
  it("every kind of line break counts once", () => {
    const [first] = problems("1\r\n2\r3\n\n  x");
    assert.deepEqual([first?.line, first?.column], [5, 3]);
  });
  it("the line is shown around the token", () => {
    const [first] = problems("1, 2\n3,\t4.5; 6\n7");
    assert.deepEqual(first?.excerpt, { text: "3, 4.5; 6", start: 3, end: 6 });
  });
  it("of a long line what is next to the token is shown", () => {
    const [first] = problems(`${"1, ".repeat(1_000)}x${" ,2".repeat(1_000)}`);
    const before = `…${"1, ".repeat(1_000).slice(-CONTEXT)}`;
    const after = `${" ,2".repeat(1_000).slice(0, CONTEXT)}…`;
    assert.deepEqual(first?.excerpt, { text: `${before}x${after}`, start: CONTEXT + 1, end: CONTEXT + 2 });
  });
  it("what is shown has invisible characters spelled out, and nothing that turns the text around", () => {
    const [first] = problems(`\u202e1, 1${NBSP}2`);
    assert.equal(first?.excerpt.text, "[U+202E]1, 1 2");
    const [, second] = problems(`\u202e1, 1${NBSP}2`);
    assert.equal(second?.excerpt.text, "[U+202E]1, 1[U+00A0]2");
  });
  it("of a long token its beginning is told, and its whole length", () => {
    const [first] = problems("x".repeat(200));
    assert.deepEqual([first?.token, first?.length], ["x".repeat(100), 200]);
    assert.equal(first?.excerpt.text, `${"x".repeat(40)}…`);
  });
  it("the first problems are named, the others counted", () => {
    const parsed = parseIntegers("x ".repeat(1_000));
    assert.ok(!parsed.ok);
    assert.equal(parsed.problems.length, MAX_PROBLEMS);
    assert.equal(parsed.more, 1_000 - MAX_PROBLEMS);
  });
});

it("a list of a million integers is read whole", () => {
  const values = Array.from({ length: 1_000_000 }, (_, i) => (i % 2 === 0 ? i * 7_919 : -i * 104_729));
  const parsed = parseIntegers(values.join(", "));
  assert.ok(parsed.ok);
  assert.equal(parsed.values.length, values.length);
  assert.ok(parsed.values.every((value, i) => value === BigInt(values[i] ?? Number.NaN)));
});

it("any integers written with any separators are read back", () => {
  // A small generator with a fixed seed: a failure can be repeated.
  let state = 20_240_229n;
  const random = (below: number) => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n;
    return Number((state >> 33n) % BigInt(below));
  };
  const separators = [",", ", ", ";", " ; ", " ", "\t", "\n", "\r\n", ",\n"];
  for (let round = 0; round < 500; round += 1) {
    const values = Array.from({ length: random(20) }, () => {
      const bits = BigInt(random(64));
      const magnitude = ((BigInt(random(2 ** 31)) << 33n) | BigInt(random(2 ** 31))) % 2n ** bits;
      return random(2) === 0 ? magnitude : -magnitude;
    });
    const group = [NBSP, THIN, NARROW, ""][random(4)] ?? "";
    const written = values.map((value) => value.toLocaleString("en-US").replaceAll(",", group));
    const text = written.map((number) => number + (separators[random(separators.length)] ?? ",")).join("");
    accepts(random(2) === 0 ? text : `[${text}]`, ...values);
  }
});

// A reader that goes back and forth takes an hour for each of these.
describe("a long text", () => {
  const LONG = 1_000_000;
  for (const [name, text] of Object.entries({
    "zeros and a letter": `${"0".repeat(LONG)}x`,
    "a sign, zeros and a letter": `-${"0".repeat(LONG)}x`,
    "digits and a letter": `${"1".repeat(LONG)}x`,
    "digits and points": `${"1.".repeat(LONG)}x`,
    "groups and a letter": `1${"\u202f000".repeat(LONG)}x`,
  })) {
    it(`of ${name} is refused`, () => assert.equal(problems(text).length, 1));
  }
  it("of leading zeros is read", () => accepts(`${"0".repeat(LONG)}7 -${"0".repeat(LONG)}`, 7, 0));
});

// Pieces of texts in which a cut matters: signs, grouping spaces, brackets, line breaks, characters of two units.
const fragment = fc.oneof(
  fc.bigInt({ min: INT64_MIN, max: INT64_MAX }).map(String),
  fc.constantFrom(
    "1\u202f234",
    "\u22125",
    "4.5",
    "1e3",
    "x",
    "]",
    "[",
    "\u{1f600}",
    "a\u{1d7d9}b",
    "\ufeff",
    "99999999999999999999",
  ),
  fc.constantFrom(", ", ";", "\n", "\r\n", "\r", "\t", NBSP, " ".repeat(100)),
);
const cutText = fc
  .record({
    open: fc.constantFrom("", "[", " (", "\ufeff{"),
    fragments: fc.array(fragment, { maxLength: 60 }),
    close: fc.constantFrom("", "]", ") \n", "},,\u00a0"),
  })
  .map(({ open, fragments, close }) => open + fragments.join("") + close);

it("a text is read the same wherever it is cut", () => {
  const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 60 });
  fc.assert(
    fc.property(cutText, cuts, (text, lengths) => {
      const pieces: string[] = [];
      let at = 0;
      for (const length of lengths) {
        pieces.push(text.slice(at, at + length));
        at += length;
      }
      assert.deepEqual(parsePieces([...pieces, text.slice(at)]), parseIntegers(text));
    }),
    { numRuns: 1_000 },
  );
});

it("a text is read the same when each unit comes alone", () => {
  fc.assert(fc.property(cutText, (text) => assert.deepEqual(parsePieces(text.split("")), parseIntegers(text))));
});
