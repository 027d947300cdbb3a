import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { ComputeRequestSchema, ComputeResponseSchema } from "../gen/compute/v1/compute_pb";
import { INT64_MAX, INT64_MIN } from "../src/reading/integers";
import { IntegerList } from "../src/reading/integer-list";
import { requestFor } from "../src/reading/request";
import { valuesOf } from "./reading";

function listOf(values: readonly bigint[]): IntegerList {
  const list = new IntegerList();
  values.forEach((value) => list.pushBigInt(value));
  return list;
}

const OPTIONS = { quantiles: [0.25, 0.5, 0.75], bins: 30 };

function check(values: readonly bigint[]): void {
  const sent = fromBinary(ComputeRequestSchema, toBinary(ComputeRequestSchema, requestFor(listOf(values), OPTIONS)));
  const { quantiles, bins } = OPTIONS;
  const wanted = { values: [...values], quantiles, histogram: { bins }, finishLate: true };
  assert.deepEqual(sent, create(ComputeRequestSchema, wanted));
  assert.equal(
    toBinary(ComputeRequestSchema, requestFor(listOf(values), OPTIONS)).length,
    toBinary(ComputeRequestSchema, create(ComputeRequestSchema, wanted)).length,
    "each integer takes as few bytes as it may",
  );
}

it("a request is what protobuf makes of the same values", () => {
  fc.assert(fc.property(fc.array(fc.bigInt({ min: INT64_MIN, max: INT64_MAX }), { minLength: 1 }), check));
});

it("integers of every width are sent as they are", () => {
  const powers = Array.from({ length: 64 }, (_, bits) => 2n ** BigInt(bits));
  const around = powers.flatMap((power) => [power - 1n, power, -power, -power - 1n, 1n - power]);
  check([0n, ...around].filter((value) => value >= INT64_MIN && value <= INT64_MAX));
});

it("a list of many blocks is sent in its order", () => {
  check(Array.from({ length: 20_000 }, (_, i) => BigInt(i - 10_000) ** 4n));
});

it("a list gives back what was put in", () => {
  const anyList = fc.array(fc.bigInt({ min: INT64_MIN, max: INT64_MAX }), { maxLength: 3_000 });
  fc.assert(
    fc.property(anyList, (values) => {
      const list = listOf(values);
      assert.equal(list.length, values.length);
      assert.deepEqual(valuesOf(list), values);
      assert.deepEqual(list.first(5), values.slice(0, 5));
      values
        .slice(-5)
        .forEach((value, i) => assert.equal(list.at(values.length - Math.min(5, values.length) + i), value));
    }),
    { numRuns: 50 },
  );
});

it("an answer crosses from the thread to the page whole", () => {
  const response = create(ComputeResponseSchema, {
    operationId: "0",
    statistics: { min: INT64_MIN, sum: "9".repeat(38), quantiles: [{ probability: 0.5, value: 1.5 }] },
    timing: { total: { seconds: 1n, nanos: 5 } },
  });
  const crossed = structuredClone(response);
  assert.deepEqual(crossed, response);
  assert.deepEqual(toBinary(ComputeResponseSchema, crossed), toBinary(ComputeResponseSchema, response));
});
