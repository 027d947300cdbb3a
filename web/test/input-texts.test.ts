import "./browser-globals";
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { language } from "../src/language/language";
import { preview } from "../src/input/preview";
import { fileSize } from "../src/input/size";
import { readWhole } from "../src/input/whole";
import { inputWords } from "../src/input/words";
import type { ReadList } from "../src/reading/messages";

const list = (...values: number[]): ReadList => ({
  count: values.length,
  first: values.slice(0, 1_000).map(BigInt),
  last: BigInt(values.at(-1) ?? Number.NaN),
});
const said = (read: ReadList) => inputWords().count(read.count, preview(read));

afterEach(() => {
  language.value = "en";
});

describe("the line that says how a list was read", () => {
  it("counts and shows the integers", () => {
    assert.equal(said(list(7)), "1 integer: 7");
    assert.equal(said(list(1, 234)), "2 integers: 1, 234");
    assert.equal(said(list(4, 5, 2, 35, 2452)), "5 integers: 4, 5, 2, 35, 2452");
  });
  it("shortens a long list to its first values and its last", () => {
    const first = Array.from({ length: 1_000 }, (_, i) => BigInt(i + 1));
    assert.equal(
      said({ count: 1_000_000, first, last: 1_000_000n }),
      "1,000,000 integers: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …, 1000000",
    );
  });
  it("is French in French, and the integers have no groups there, either", () => {
    language.value = "fr";
    assert.equal(said(list(1, 2452)), "2 entiers\u00a0: 1, 2452");
    assert.match(
      said(list(...Array.from({ length: 2_000 }, (_, i) => i))),
      /^2\u202f000 entiers\u00a0: 0, .*, …, 1999$/,
    );
  });
});

it("a piece that is not an integer is named with its place and what is wrong, in both languages", () => {
  const problem = {
    token: "4.5",
    reason: "decimal",
    offset: 5,
    length: 3,
    line: 2,
    column: 1,
    excerpt: { text: "4.5", start: 0, end: 3 },
  } as const;
  assert.equal(
    inputWords().problem("4.5", problem),
    "“4.5” on line 2, column 1 is a decimal; only integers are accepted",
  );
  language.value = "fr";
  assert.equal(
    inputWords().problem("4.5", problem),
    "«\u00a04.5\u00a0», à la ligne 2, colonne 1, est un nombre décimal\u00a0; seuls les entiers sont acceptés",
  );
});

it("the size of a file has a unit that fits it, in the form of the page's language", () => {
  assert.equal(fileSize(0), "0 bytes");
  assert.equal(fileSize(1), "1 byte");
  assert.equal(fileSize(999), "999 bytes");
  assert.equal(fileSize(1_000), "1 kB");
  assert.equal(fileSize(1_234_567), "1.2 MB");
  assert.equal(fileSize(5_000_000_000_000), "5,000 GB");
  language.value = "fr";
  assert.match(fileSize(1_234_567), /^1,2\sMo$/);
});

describe("a number of the random list", () => {
  it("is any integer of 64 bits, with spaces between its digits or without", () => {
    for (const [text, value] of [
      ["0", 0n],
      [" 1 000 000 ", 1_000_000n],
      ["10\u202f000", 10_000n],
      ["-5", -5n],
      ["\u22125", -5n],
      ["+5", 5n],
      ["-9223372036854775808", -(2n ** 63n)],
      ["9223372036854775807", 2n ** 63n - 1n],
    ] as const) {
      assert.deepEqual(readWhole(text), { ok: true, value }, text);
    }
  });
  it("is refused if it is none", () => {
    for (const text of ["", " ", "-", "1.5", "1,000", "1e6", "many", "0x10"]) {
      assert.deepEqual(readWhole(text), { ok: false, reason: "notWhole" }, text);
    }
  });
  it("is refused beyond 64 bits", () => {
    for (const text of ["9223372036854775808", "-9223372036854775809", "9".repeat(1_000_000)]) {
      assert.deepEqual(readWhole(text), { ok: false, reason: "beyond64" });
    }
  });
});
