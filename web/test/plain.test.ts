import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatDouble } from "../src/plain";

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
