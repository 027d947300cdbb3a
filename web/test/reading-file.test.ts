import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MAX_VALUES } from "../src/reading/integer-list";
import { parseIntegers, fileOf, readFile, readSource } from "./reading";

function utf16(text: string, isBigEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  Array.from({ length: text.length }, (_, at) => view.setUint16(2 * at, text.charCodeAt(at), !isBigEndian));
  return bytes;
}

async function accepts(name: string, content: string | Uint8Array, ...expected: (number | bigint)[]): Promise<void> {
  const { values } = await readFile(name, content);
  assert.deepEqual(values, expected.map(BigInt));
}

describe("a text file", () => {
  it("is read by the rule for texts, whatever its extension is", async () => {
    for (const name of ["list.txt", "list.TXT", "list.log", "list", "csv"]) {
      await accepts(name, "[4, 5; 2\n35\t2452]\n", 4, 5, 2, 35, 2452);
    }
  });

  it("tells count, first values and last value", async () => {
    const { reading } = await readFile("list.txt", Array.from({ length: 5_000 }, (_, i) => i).join("\n"));
    assert.ok(reading.kind === "list");
    assert.equal(reading.list.count, 5_000);
    assert.deepEqual(
      reading.list.first,
      Array.from({ length: 1_000 }, (_, i) => BigInt(i)),
    );
    assert.equal(reading.list.last, 4_999n);
  });

  it("without integers is empty", async () => {
    for (const content of ["", " \n", "[]", "\ufeff"]) {
      assert.deepEqual((await readFile("list.txt", content)).reading, { kind: "empty" });
    }
  });

  it("is read the same in whatever pieces it comes", async () => {
    const piece = fc.constantFrom("12", "-", "3", ", ", "\n", "\r\n", "4.5", "x", "\u202f000", "\u00e9", "\u{1f600}");
    const property = fc.asyncProperty(fc.array(piece, { maxLength: 50 }), async (pieces) => {
      const parsed = parseIntegers(pieces.join(""));
      const { reading, values } = await readFile("list.txt", pieces);
      if (parsed.ok) {
        assert.deepEqual(values ?? [], parsed.values);
      } else {
        assert.deepEqual(reading, { kind: "bad", problems: parsed.problems, more: parsed.more });
      }
    });
    await fc.assert(property);
  });

  it("tells how far it is, and stops when it is given up", async () => {
    const controller = new AbortController();
    const fractions: number[] = [];
    const file = fileOf("list.txt", "1234567890\n".repeat(3_000_000));
    const reading = readSource({ kind: "file", file }, controller.signal, (fraction) => {
      fractions.push(fraction);
      if (fractions.length === 2) {
        controller.abort();
      }
    });
    await assert.rejects(reading, { name: "AbortError" });
    const [first = 0, second = 0] = fractions;
    assert.equal(fractions.length, 2);
    assert.ok(0 < first && first < second && second < 1, fractions.join(" "));
  });

  it("of more integers than a call may have is too long, and is not read to its end", async () => {
    const file = fileOf("list.txt", `${"1 ".repeat(MAX_VALUES)}1`);
    const { reading, values } = await readSource({ kind: "file", file });
    assert.deepEqual([reading, values], [{ kind: "too-many", limit: MAX_VALUES }, undefined]);
  });

  it("of exactly as many is read", async () => {
    const { reading } = await readSource({ kind: "file", file: fileOf("list.txt", "1 ".repeat(MAX_VALUES)) });
    assert.equal(reading.kind === "list" && reading.list.count, MAX_VALUES);
  });
});

describe("the encoding", () => {
  it("is UTF-8, with or without a byte order mark", async () => {
    await accepts("list.txt", "\ufeff1\u202f234, \u22125", 1_234, -5);
    await accepts("list.csv", "\ufeffZahl;Wert\n1;x\n2;y", 1, 2);
    await accepts("list.json", "\ufeff[1, 2]", 1, 2);
  });

  it("is UTF-16 where a byte order mark says so", async () => {
    for (const isBigEndian of [false, true]) {
      await accepts("list.txt", utf16("\ufeff1\u202f234, \u22125", isBigEndian), 1_234, -5);
      await accepts("list.csv", utf16("\ufeffprix;n\n1,5 \u20ac;2\n2,5 \u20ac;3", isBigEndian), 2, 3);
    }
  });

  it("that is neither is named", async () => {
    // Latin-1, a surrogate on its own, and half a character at the end.
    for (const bytes of [
      [0x31, 0x2c, 0xe9, 0x2c],
      [0xff, 0xfe, 0x31, 0x00, 0x00, 0xd8, 0x31, 0x00],
      [0x31, 0xe2, 0x82],
    ]) {
      const { reading } = await readFile("list.txt", new Uint8Array(bytes));
      assert.ok(reading.kind === "unreadable" && reading.why === "encoding", JSON.stringify(reading));
      assert.match(reading.detail, /^bytes \d+ to \d+ are not UTF-(8|16LE)$/);
    }
  });
});

it("a file that cannot be read any more is named", async () => {
  const file = fileOf("list.txt", "1 2 3");
  file.stream = () =>
    new ReadableStream({
      start(controller) {
        controller.error(new DOMException("the file has changed", "NotReadableError"));
      },
    });
  const { reading } = await readSource({ kind: "file", file });
  assert.deepEqual(reading, { kind: "unreadable", why: "file", detail: "the file has changed" });
});
