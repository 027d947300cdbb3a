import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatDouble, formatMilliseconds } from "../src/format";
import { preview } from "../src/preview";
import { summary } from "../src/summary";

const list = (...values: number[]) => values.map(BigInt);
const counting = (n: number) => Array.from({ length: n }, (_, i) => BigInt(i + 1));

describe("summary", () => {
  it("has five lines and no line break at the end", () => {
    const statistics = { min: 2n, max: 2452n, median: 5, mean: 499.6 };
    assert.equal(
      summary(list(4, 5, 2, 35, 2452), statistics),
      "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6",
    );
  });
  it("shows a list of 1,000 values whole", () => {
    const [first] = summary(counting(1_000), { min: 1n, max: 1_000n, median: 500.5, mean: 500.5 }).split("\n");
    assert.ok(first?.startsWith("Liste: [1, 2, "));
    assert.ok(first?.endsWith(", 999, 1000]"));
  });
  it("shows the first 1,000 values of a longer list and how many there are", () => {
    const [first] = summary(counting(1_001), { min: 1n, max: 1_001n, median: 501, mean: 501 }).split("\n");
    assert.ok(first?.endsWith(", 999, 1000, …] (1001 values)"));
  });
  it("shows 64-bit integers with every digit", () => {
    const min = -(2n ** 63n);
    const max = 2n ** 63n - 1n;
    const text = summary([min, max], { min, max, median: -0.5, mean: -0.5 });
    assert.equal(
      text,
      `Liste: [${min}, ${max}]\nMin:-9223372036854775808\nMax:9223372036854775807\nMedian:-0.5\nMean:-0.5`,
    );
  });
});

describe("doubles", () => {
  for (const [x, expected] of [
    [5, "5"],
    [-5, "-5"],
    [0, "0"],
    [499.6, "499.6"],
    [0.1 + 0.2, "0.30000000000000004"],
    [2 ** 53, "9007199254740992"],
    [2 ** 63, "9223372036854776000"],
    [1e20, "100000000000000000000"],
    [1e21, "1000000000000000000000"],
    [-1.5e22, "-15000000000000000000000"],
    [1.2345e25, "12345000000000000000000000"],
    [1e-6, "0.000001"],
    [1e-7, "0.0000001"],
    [-1.25e-7, "-0.000000125"],
    [5e-324, `0.${"0".repeat(323)}5`],
  ] as const) {
    it(`${x} is written ${expected.slice(0, 30)}`, () => assert.equal(formatDouble(x), expected));
  }
  it("are written so that they read back the same, without an exponent", () => {
    for (let exponent = -1074; exponent <= 1023; exponent += 1) {
      for (const x of [2 ** exponent, -(2 ** exponent) * 1.3, 2 ** exponent * 1.7]) {
        const text = formatDouble(x);
        assert.equal(Number(text), x);
        assert.match(text, /^-?\d+(\.\d+)?$/);
      }
    }
  });
});

it("durations have three significant digits and a unit", () => {
  const cases: [number, string][] = [
    [0, "< 1 ms"],
    [0.0004, "< 0.001 ms"],
    [0.4217, "0.422 ms"],
    [12.345, "12.3 ms"],
    [999.4, "999 ms"],
    [999.7, "1 s"],
    [1_234, "1.23 s"],
    [30_000, "30 s"],
    [900_000, "900 s"],
  ];
  for (const [ms, expected] of cases) {
    assert.equal(formatMilliseconds(ms), expected);
  }
});

describe("the line that says how a list was read", () => {
  it("counts and shows the integers", () => {
    assert.equal(preview([]), "No integers yet");
    assert.equal(preview(list(7)), "1 integer: 7");
    assert.equal(preview(list(1, 234)), "2 integers: 1, 234");
    assert.equal(preview(list(4, 5, 2, 35, 2452)), "5 integers: 4, 5, 2, 35, 2452");
  });
  it("shortens a long list to its first values and its last", () => {
    assert.equal(preview(counting(1_000_000)), "1,000,000 integers: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …, 1000000");
  });
});
