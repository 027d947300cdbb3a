import assert from "node:assert/strict";
import { it } from "node:test";
import { INT64_MAX, INT64_MIN } from "../src/reading/integers";
import { MAX_VALUES } from "../src/reading/integer-list";
import { readSource } from "./reading";

async function draw(count: number, min: bigint, max: bigint): Promise<readonly bigint[]> {
  const { reading, values = [] } = await readSource({ kind: "random", count, min, max });
  assert.ok(reading.kind === "list" && reading.list.count === count);
  return values;
}

it("random integers are drawn evenly, also where the width is no power of two", async () => {
  for (const [min, max] of [
    [1n, 6n],
    [-3n, 1n],
    // Beyond 32 bits, with a lower half that does not divide evenly.
    [-(5n * 2n ** 32n), 7n * 2n ** 32n - 1n],
    [INT64_MIN, INT64_MAX],
    [INT64_MAX - 4n, INT64_MAX],
  ] as const) {
    const bins = max - min < 6n ? Number(max - min) + 1 : 4;
    const counts = new Array<number>(bins).fill(0);
    const count = 200_000;
    for (const value of await draw(count, min, max)) {
      assert.ok(value >= min && value <= max, `${value} is not from ${min} to ${max}`);
      const bin = Number(((value - min) * BigInt(bins)) / (max - min + 1n));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    // Six standard deviations: an even source is outside of that once in 500 million times.
    const expected = count / bins;
    const tolerance = 6 * Math.sqrt(expected * (1 - 1 / bins));
    counts.forEach((n) => assert.ok(Math.abs(n - expected) < tolerance, `${min} to ${max}: ${counts.join(" ")}`));
  }
});

it("random integers from one to the same are that one", async () => {
  assert.deepEqual(await draw(3, -7n, -7n), [-7n, -7n, -7n]);
  assert.deepEqual(await draw(2, INT64_MIN, INT64_MIN), [INT64_MIN, INT64_MIN]);
});

it("random integers come anew each time", async () => {
  assert.notDeepEqual(await draw(10, INT64_MIN, INT64_MAX), await draw(10, INT64_MIN, INT64_MAX));
});

it("more than a call may have are not drawn, and none is empty", async () => {
  const none = { kind: "random", min: 0n, max: 1n } as const;
  assert.deepEqual((await readSource({ ...none, count: MAX_VALUES + 1 })).reading, {
    kind: "too-many",
    limit: MAX_VALUES,
  });
  assert.deepEqual((await readSource({ ...none, count: 0 })).reading, { kind: "empty" });
});

it("a range without integers is refused", async () => {
  await assert.rejects(readSource({ kind: "random", count: 1, min: 1n, max: 0n }), RangeError);
});
