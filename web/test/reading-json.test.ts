import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MAX_DEPTH } from "../src/reading/json-scanner";
import type { Column, Problem } from "../src/reading/messages";
import { readFile } from "./reading";

async function accepts(content: string, expected: readonly (number | bigint)[], column?: string): Promise<void> {
  assert.deepEqual((await readFile("list.json", content, column)).values, expected.map(BigInt), content);
}

async function columns(content: string): Promise<readonly Column[]> {
  const { reading } = await readFile("list.json", content);
  assert.ok(reading.kind === "columns", reading.kind);
  return reading.columns;
}

async function problems(content: string, column?: string): Promise<readonly Problem[]> {
  const { reading } = await readFile("list.json", content, column);
  assert.ok(reading.kind === "bad", reading.kind);
  return reading.problems;
}

async function detail(content: string): Promise<string> {
  const { reading } = await readFile("list.json", content);
  assert.ok(reading.kind === "unreadable" && reading.why === "json", content);
  return reading.detail;
}

describe("an array", () => {
  it("of integers is read, each digit of them", () =>
    accepts("[4, -5,\n 9007199254740993, -9223372036854775808, 9223372036854775807, -0, 0]", [
      4,
      -5,
      9007199254740993n,
      -(2n ** 63n),
      2n ** 63n - 1n,
      0,
      0,
    ]));
  it("of integers in strings is read", () =>
    accepts('["4", "9007199254740993", "\\u0035 "]', [4, 9007199254740993n, 5]));
  it("may have nulls and empty strings, which are skipped", () => accepts('[4, null, "", 5]', [4, 5]));
  it("without elements is empty, as is a file without content", async () => {
    for (const content of ["[]", " [ ] ", "", " \n", '{"values": []}', "[null]"]) {
      assert.deepEqual((await readFile("list.json", content)).reading, { kind: "empty" }, content);
    }
  });
  it("names each bad element and its place", async () => {
    const content = '[1, 2.5,\n 1e3, "x", true, {"a": 1}, 99999999999999999999]';
    const { reading } = await readFile("list.json", content);
    assert.ok(reading.kind === "bad");
    assert.equal(reading.more, 1);
    assert.deepEqual(
      reading.problems.map(({ token, reason, line, column }) => [token, reason, line, column]),
      [
        ["2.5", "decimal", 1, 5],
        ["1e3", "exponent", 2, 2],
        ['"x"', "not-integer", 2, 7],
        ["true", "not-integer", 2, 12],
        ["{", "bracket", 2, 18],
      ],
    );
    for (const { token, offset, length } of reading.problems) {
      assert.equal(content.slice(offset, offset + length), token);
    }
  });
});

describe("the column", () => {
  it("of objects is asked for if several are of integers, and read when it was chosen", async () => {
    const content = '[{"id": 1, "n": "40", "name": "a"}, {"id": 2, "name": "b", "n": 50}]';
    assert.deepEqual(await columns(content), [
      { id: "/*/id", title: "id", sample: ["1", "2"], isIntegers: true },
      { id: "/*/n", title: "n", sample: ["40", "50"], isIntegers: true },
      { id: "/*/name", title: "name", sample: ["a", "b"], isIntegers: false },
    ]);
    await accepts(content, [40, 50], "/*/n");
  });
  it("of objects is read without a question if it is the only one of integers", () =>
    accepts('[{"name": "a", "n": 4}, {"name": "b"}, {"n": 5, "name": "c"}]', [4, 5]));
  it("of an object with arrays is asked for, too", async () => {
    const content = '{"unit": "ms", "before": [1, 2], "after": [3, 4], "notes": ["x"]}';
    assert.deepEqual(
      (await columns(content)).map(({ id, title, isIntegers }) => [id, title, isIntegers]),
      [
        ["/before/*", "before", true],
        ["/after/*", "after", true],
        ["/notes/*", "notes", false],
      ],
    );
    await accepts(content, [3, 4], "/after/*");
  });
  it("of an object with one array is read without a question", () =>
    accepts('{"count": 3, "values": [4, 5, 2], "unit": "ms"}', [4, 5, 2]));
  it("may lie deeper", () => accepts('{"data": {"rows": [{"v": {"n": 4}}, {"v": {"n": 5}}]}}', [4, 5]));
  it("of arrays is told by its place, and its title from a first row of words", async () => {
    const content = '[["id", "n"], [1, 40], [2, 50]]';
    assert.deepEqual(
      (await columns(content)).map(({ id, title, sample }) => [id, title, sample]),
      [
        ["/*/0", "id", ["1", "2"]],
        ["/*/1", "n", ["40", "50"]],
      ],
    );
    await accepts(content, [40, 50], "/*/1");
    await accepts("[[1, 40], [2, 50]]", [1, 2], "/*/0");
  });
  it("may have a name with any characters", async () => {
    const content = '{"a/b": [1], "*": [2], "a": {"b": [3]}, "~0": [4]}';
    const found = await columns(content);
    assert.equal(new Set(found.map(({ id }) => id)).size, 4);
    for (const [index, { id }] of found.entries()) {
      await accepts(content, [index + 1], id);
    }
  });
  it("names a bad cell", async () => {
    const [first] = await problems('[{"n": 4},\n {"n": 4.5}]', "/*/n");
    assert.deepEqual([first?.token, first?.reason, first?.line, first?.column], ["4.5", "decimal", 2, 8]);
  });
});

describe("what is not JSON", () => {
  it("is named with its place", async () => {
    for (const [content, expected] of [
      ["[1, 2", "line 1, column 6: a comma or the end of the array or object is missing; the file ends"],
      ["[1,\n2 3]", "line 2, column 3: a comma or the end of the array or object is missing; “3” is found"],
      ["[1, ]", "line 1, column 5: a value is missing; “]” is found"],
      ["[007]", "line 1, column 2: a value or ] is missing; “007” is found"],
      ["[+1]", "line 1, column 2: a value or ] is missing; “+1” is found"],
      ["4, 5", "line 1, column 2: the end of the file is missing; “,” is found"],
      ["{a: 1}", "line 1, column 2: a name in quotes or } is missing; “a” is found"],
      ['{"a" 1}', "line 1, column 6: a colon is missing; “1” is found"],
      ['{"a": 1,}', "line 1, column 9: a name in quotes is missing; “}” is found"],
      ['["a', "line 1, column 2: a string does not end"],
      ['{"\\x": 1}', "line 1, column 2: a string has an unknown escape, or a control character"],
      ["[1}", "line 1, column 3: a comma or the end of the array or object is missing; “}” is found"],
    ] as const) {
      assert.equal(await detail(content), expected, content);
    }
  });
  it("without an array is named", async () => {
    assert.equal(await detail('{"a": 1}'), "there is no array in it");
    assert.equal(await detail("5"), "there is no array in it");
  });
  it("that is nested too deep is named, however deep it is", async () => {
    for (const depth of [MAX_DEPTH + 1, 1_000_000]) {
      assert.match(await detail("[".repeat(depth)), /column 501: arrays and objects are nested more than 500 deep$/);
    }
    await accepts(`${"[".repeat(MAX_DEPTH)}7${"]".repeat(MAX_DEPTH)}`, [7]);
  });
});

it("any JSON text is taken, and the integers in it, wherever it is cut", async () => {
  const property = fc.asyncProperty(
    fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1 }),
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(0, 1, 4),
    fc.array(fc.nat({ max: 100 }), { maxLength: 10 }),
    async (values, other, indent, cuts) => {
      const text = JSON.stringify({ before: other, values: values.map(String), after: other }, undefined, indent);
      const pieces: string[] = [];
      let at = 0;
      for (const cut of cuts) {
        const end = /[\udc00-\udfff]/.test(text.charAt(at + cut)) ? at + cut + 1 : at + cut;
        pieces.push(text.slice(at, end));
        at = end;
      }
      const read = await readFile("list.json", [...pieces, text.slice(at)], "/values/*");
      assert.deepEqual(read.values, values);
    },
  );
  await fc.assert(property, { numRuns: 300 });
});

it("a text is JSON here if it is to JSON.parse", async () => {
  const piece = fc.constantFrom(
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    '"a"',
    "1",
    "-",
    "0",
    ".5",
    "e1",
    "true",
    "nul",
    '"',
    "\\",
    " ",
    "\n",
  );
  const property = fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), async (pieces) => {
    const text = `[${pieces.join("")}]`;
    const { reading } = await readFile("list.json", text, "/*");
    const isJson = reading.kind !== "unreadable";
    let isExpected = true;
    try {
      JSON.parse(text);
    } catch {
      isExpected = false;
    }
    assert.equal(isJson, isExpected, text);
  });
  await fc.assert(property, { numRuns: 3_000 });
});
