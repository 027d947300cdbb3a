import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Column, Problem } from "../src/reading/messages";
import { readFile } from "./reading";

async function accepts(content: string, expected: readonly (number | bigint)[], column?: string): Promise<void> {
  const { reading, values } = await readFile("table.csv", content, column);
  assert.deepEqual(
    values,
    expected.map(BigInt),
    JSON.stringify(reading, (_, v) => (typeof v === "bigint" ? `${v}` : v)),
  );
}

async function columns(content: string): Promise<readonly Column[]> {
  const { reading } = await readFile("table.csv", content);
  assert.equal(reading.kind, "columns");
  return reading.kind === "columns" ? reading.columns : [];
}

async function problems(content: string, column?: string): Promise<readonly Problem[]> {
  const { reading } = await readFile("table.csv", content, column);
  assert.equal(reading.kind, "bad");
  return reading.kind === "bad" ? reading.problems : [];
}

describe("the column", () => {
  it("is read without a question if it is the only one", async () => {
    await accepts("4\n5\n2\n", [4, 5, 2]);
    await accepts("value\r\n4\r\n5\r\n2\r\n", [4, 5, 2]);
  });
  it("is read without a question if it is the only one of integers", async () => {
    await accepts("name,value,share\na,4,0.1\nb,5,0.2\n", [4, 5]);
  });
  it("is asked for if several are of integers", async () => {
    assert.deepEqual(await columns("id,value,name\n1,40,a\n2,50,b\n"), [
      { id: "0", title: "id", sample: ["1", "2"], isIntegers: true },
      { id: "1", title: "value", sample: ["40", "50"], isIntegers: true },
      { id: "2", title: "name", sample: ["a", "b"], isIntegers: false },
    ]);
  });
  it("is asked for if none is of integers", async () => {
    const found = await columns("a,b\nx,0.5\ny,1.5\n");
    assert.deepEqual(
      found.map(({ title, isIntegers }) => [title, isIntegers]),
      [
        ["a", false],
        ["b", false],
      ],
    );
  });
  it("that was chosen is read", () => accepts("id,value\n1,40\n2,50\n", [40, 50], "1"));
  it("that does not exist is asked for again", async () => {
    assert.equal((await readFile("table.csv", "1,2\n3,4\n", "7")).reading.kind, "columns");
  });
  it("has no title where the first row has integers", async () => {
    assert.deepEqual(
      (await columns("1,2\n3,4\n")).map(({ title, sample }) => [title, sample]),
      [
        ["", ["1", "3"]],
        ["", ["2", "4"]],
      ],
    );
  });
  it("keeps a first number that is wrong: it is no title", async () => {
    const [first] = await problems("4.5\n5\n2\n");
    assert.deepEqual([first?.token, first?.reason, first?.line], ["4.5", "decimal", 1]);
  });
  it("of a row alone are its cells", () => accepts("4,5,2,35,2452\n", [4, 5, 2, 35, 2452]));
});

describe("the form of the table", () => {
  it("may be separated by semicolons, tabs or bars", async () => {
    for (const separator of [";", "\t", "|"]) {
      await accepts(["name,value", "a,4", "b,5"].join("\n").replaceAll(",", separator), [4, 5]);
    }
  });
  it("of a .tsv file is separated by tabs whatever else is in it", async () => {
    const { values } = await readFile("table.tsv", "a,b,c\tvalue\nx,y,z\t4\nx,y,z\t5\n");
    assert.deepEqual(values, [4n, 5n]);
  });
  it("may have quotes, with separators, line breaks and quotes in them", () =>
    accepts('name,"value"\n"a, ""b""\nc","4"\nd,5\n', [4, 5]));
  it("may have line breaks of any system", async () => {
    for (const lineBreak of ["\n", "\r\n", "\r"]) {
      await accepts(["name,value", "a,4", "b,5", ""].join(lineBreak), [4, 5]);
    }
  });
  it("may have empty rows and cells, which are skipped", () =>
    accepts("\nname,value\n\na,4\nb,\nc, \nd,5\n,\n\n", [4, 5]));
  it("may have rows that are too short", () => accepts("value,name\n4,x\n5\n\n2,y\n", [4, 5, 2]));
  it("may have integers of 64 bits, signs, spaces around and digits in groups", () =>
    accepts("n,v\nx, -9223372036854775808\nx,9223372036854775807 \nx,+1\u202f234\n", [
      -(2n ** 63n),
      2n ** 63n - 1n,
      1_234,
    ]));
  it("without content is empty", async () => {
    for (const content of ["", "\n\n", ",\n,\n", '""\n']) {
      assert.equal((await readFile("table.csv", content)).reading.kind, "empty", JSON.stringify(content));
    }
  });
});

describe("a bad cell", () => {
  it("is named with its place and its row", async () => {
    const content = 'name,value\n"a\nb",4\n"c, ""d""", "5x" ,z\ne,6\n';
    const [first, ...others] = await problems(content, "1");
    assert.ok(first !== undefined && others.length === 0);
    assert.deepEqual([first.token, first.reason, first.line, first.column], ["5x", "not-integer", 4, 14]);
    assert.equal(content.slice(first.offset, first.offset + first.length), "5x");
    assert.equal(first.excerpt.text.slice(first.excerpt.start, first.excerpt.end), "5x");
  });
  it("with a decimal comma is called a decimal", async () => {
    const [first] = await problems("a;v\nx;4\ny;4,5\n", "1");
    assert.deepEqual([first?.token, first?.reason], ["4,5", "decimal"]);
  });
  it("with several integers is not one", async () => {
    const [first] = await problems('a,v\nx,4\ny,"1,234"\n', "1");
    assert.deepEqual([first?.token, first?.reason], ["1,234", "not-integer"]);
  });
});

// Any table, written by the rules of RFC 4180, and cut anywhere.
const word = fc.string({ unit: fc.constantFrom("a", " ", ",", '"', "\n", "\r\n", "\u{1f600}"), maxLength: 6 });
const row = fc.record({ before: word, value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), after: word });

it("a column of any table is read back, wherever the file is cut", async () => {
  const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
  const property = fc.asyncProperty(
    fc.array(row, { minLength: 2, maxLength: 40 }),
    fc.constantFrom("\n", "\r\n"),
    fc.array(fc.nat({ max: 100 }), { maxLength: 10 }),
    async (rows, lineBreak, cuts) => {
      const lines = rows.map(({ before, value, after }) => [quoted(before), value, quoted(after)].join(","));
      const text = ["before,value,after", ...lines].join(lineBreak);
      const pieces: string[] = [];
      let at = 0;
      for (const cut of cuts) {
        // Not inside of a character, which would be a fault of the encoding.
        const end = /[\udc00-\udfff]/.test(text.charAt(at + cut)) ? at + cut + 1 : at + cut;
        pieces.push(text.slice(at, end));
        at = end;
      }
      const { values } = await readFile("table.csv", [...pieces, text.slice(at)], "1");
      assert.deepEqual(
        values,
        rows.map(({ value }) => value),
      );
    },
  );
  await fc.assert(property, { numRuns: 300 });
});

it("a long table is read to its end, past the part that its form is told from", async () => {
  const rows = Array.from({ length: 100_000 }, (_, i) => `row ${i},${i},"x"`);
  const { values } = await readFile("table.csv", ["name,value,letter", ...rows].join("\n"));
  assert.equal(values?.length, rows.length);
  assert.ok(values?.every((value, i) => value === BigInt(i)));
});
