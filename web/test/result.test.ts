import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromJsonString } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  ComputeResponseSchema,
  OperationSchema,
  StatisticsSchema,
  TimingSchema,
  type Statistics,
  type Timing,
} from "../gen/compute/v1/compute_pb";
import { figuresText, resultJson } from "../src/result/download";
import { ofOperation, ofResponse, type Outcome } from "../src/result/outcome";
import { journeyOf } from "../src/result/parts";
import { summary } from "../src/result/summary";

const ID = "01a20d6e-5a4c-7450-b0d0-8689b86ef521";
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

const README = create(StatisticsSchema, {
  count: 5n,
  min: 2n,
  max: 2452n,
  median: 5,
  mean: 499.6,
  sum: "2498",
  variance: 953114.64,
  stdDev: 976.2759036256093,
  quantiles: [
    { probability: 0.25, value: 4 },
    { probability: 0.75, value: 35 },
  ],
});
const LIST = { count: 5, first: [4n, 5n, 2n, 35n, 2452n], last: 2452n };
const README_SUMMARY = "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6";

const counting = (n: number) => Array.from({ length: n }, (_, i) => BigInt(i + 1));

function timing(parts: Readonly<Record<string, number>>): Timing {
  return create(
    TimingSchema,
    Object.fromEntries(Object.entries(parts).map(([name, ms]) => [name, durationFromMs(ms)])),
  );
}

function fresh(statistics: Statistics = README, told?: Timing): Outcome {
  const response = create(ComputeResponseSchema, { operationId: ID, statistics, worker: "w-1" });
  const outcome = ofResponse(told === undefined ? response : { ...response, timing: told }, LIST, 21.5, TRACE);
  assert.ok(outcome);
  return outcome;
}

describe("summary", () => {
  const of = (first: readonly bigint[], count: number) =>
    summary(first, { count: BigInt(count), min: 1n, max: BigInt(count), median: 1, mean: 1 }).split("\n")[0] ?? "";

  it("has five lines and no line break at the end", () => {
    assert.equal(summary(LIST.first, README), README_SUMMARY);
  });
  it("shows a list of 1,000 values whole", () => {
    assert.match(of(counting(1_000), 1_000), /^Liste: \[1, 2, .*, 999, 1000\]$/);
  });
  it("shows the first 1,000 values of a longer list and how many there are", () => {
    assert.match(of(counting(1_001), 1_001), /, 999, 1000, …\] \(1001 values\)$/);
  });
  it("needs the first 1,000 values of a longer list only", () => {
    assert.equal(of(counting(1_000), 1_000_000), of(counting(1_500), 1_000_000));
  });
  it("shows 64-bit integers with every digit", () => {
    const text = summary([INT64_MIN, INT64_MAX], {
      count: 2n,
      min: INT64_MIN,
      max: INT64_MAX,
      median: -0.5,
      mean: -0.5,
    });
    assert.equal(
      text,
      `Liste: [${INT64_MIN}, ${INT64_MAX}]\nMin:-9223372036854775808\nMax:9223372036854775807\nMedian:-0.5\nMean:-0.5`,
    );
  });
});

describe("the outcome of a call", () => {
  it("has the summary that its log record will have", () => {
    assert.equal(fresh().summary, README_SUMMARY);
  });
  it("was made when its id was made", () => {
    assert.equal(fresh().createTime?.getTime(), 0x01a20d6e5a4c);
  });
  it("is none without statistics", () => {
    assert.equal(ofResponse(create(ComputeResponseSchema, { operationId: ID }), LIST, 1, TRACE), undefined);
  });
  it("has no time of making if its id is not one that tells it", () => {
    const response = create(ComputeResponseSchema, { operationId: "an-older-id", statistics: README });
    assert.equal(ofResponse(response, LIST, 1, TRACE)?.createTime, undefined);
  });
});

describe("the outcome of an operation from the log", () => {
  it("has what the log knows, and leaves out what it does not", () => {
    const bare = create(OperationSchema, {
      name: `operations/${ID}`,
      done: true,
      result: { case: "statistics", value: README },
    });
    const outcome = ofOperation(bare);
    assert.deepEqual(
      { ...outcome, statistics: undefined },
      {
        operationId: ID,
        statistics: undefined,
        timing: undefined,
        roundTripMs: undefined,
        traceId: undefined,
        worker: "",
        values: [],
        summary: undefined,
        createTime: undefined,
        finishTime: undefined,
      },
    );
    const createTime = timestampFromDate(new Date(1_790_000_000_123));
    assert.equal(ofOperation({ ...bare, createTime, summary: "S" })?.createTime?.getTime(), 1_790_000_000_123);
    assert.equal(ofOperation({ ...bare, createTime, summary: "S" })?.summary, "S");
  });
  it("is none while there is no result, and none if the result is an error", () => {
    assert.equal(ofOperation(create(OperationSchema, { name: `operations/${ID}` })), undefined);
    const failed = create(OperationSchema, {
      done: true,
      result: { case: "error", value: { code: 13, message: "m" } },
    });
    assert.equal(ofOperation(failed), undefined);
  });
});

describe("the journey of a call", () => {
  const whole = timing({ total: 14, gateway: 6, requestQueue: 2, work: 5, replyQueue: 1, compute: 3 });

  it("has its parts in the order of the way, and they add up to the round trip", () => {
    const journey = journeyOf({ timing: whole, roundTripMs: 21.5 });
    assert.deepEqual(
      journey?.parts.map(({ name, ms }) => [name, ms]),
      [
        ["network", 7.5],
        ["gateway", 6],
        ["request-queue", 2],
        ["work", 5],
        ["reply-queue", 1],
      ],
    );
    assert.equal(journey?.totalMs, 21.5);
    assert.equal(journey?.computeMs, 3);
    assert.equal(journey?.longest?.name, "network");
  });
  it("has only the parts that the log knows", () => {
    const journey = journeyOf({ timing: timing({ total: 900, requestQueue: 870, work: 30 }), roundTripMs: undefined });
    assert.deepEqual(
      journey?.parts.map(({ name }) => name),
      ["request-queue", "work"],
    );
    assert.equal(journey?.totalMs, 900);
    assert.equal(journey?.longest?.name, "request-queue");
  });
  it("of an older gateway that tells no parts is its total alone", () => {
    assert.deepEqual(journeyOf({ timing: timing({ total: 14 }), roundTripMs: 21.5 }), {
      parts: [],
      totalMs: 21.5,
      computeMs: undefined,
      longest: undefined,
    });
    assert.equal(journeyOf({ timing: undefined, roundTripMs: 21.5 })?.totalMs, 21.5);
  });
  it("is none where nothing is known", () => {
    assert.equal(journeyOf({ timing: undefined, roundTripMs: undefined }), undefined);
  });
  it("has no part of negative length, whatever the clocks say", () => {
    const journey = journeyOf({ timing: timing({ total: 30, gateway: 31, work: -1 }), roundTripMs: 29 });
    assert.deepEqual(
      journey?.parts.map(({ ms }) => ms),
      [0, 31, 0],
    );
    assert.equal(journey?.totalMs, 30);
  });
});

describe("a result as a file", () => {
  it("in JSON has statistics and timing as Protobuf writes them, and reads back the same", () => {
    const zero = create(StatisticsSchema, { count: 1n, min: 0n, max: 0n, sum: "0", quantiles: [{ probability: 0 }] });
    const outcome = fresh(zero, timing({ total: 14, gateway: 6.25 }));
    const json = JSON.parse(resultJson(outcome));
    assert.deepEqual(Object.keys(json), [
      "operationId",
      "traceId",
      "createTime",
      "worker",
      "statistics",
      "timing",
      "roundTripMs",
      "values",
      "summary",
    ]);
    assert.deepEqual([json.operationId, json.traceId], [ID, TRACE]);
    assert.deepEqual(json.values, ["4", "5", "2", "35", "2452"]);
    assert.equal(json.timing.gateway, "0.006250s");
    assert.equal(json.statistics.mean, 0, "a zero is written, too");
    assert.deepEqual(json.statistics.quantiles, [{ probability: 0, value: 0 }]);
    assert.deepEqual(fromJsonString(StatisticsSchema, JSON.stringify(json.statistics)), zero);
  });
  it("in JSON has every digit of 64-bit integers", () => {
    const extremes = create(StatisticsSchema, { count: 2n, min: INT64_MIN, max: INT64_MAX, sum: "-1" });
    const { statistics } = JSON.parse(resultJson(fresh(extremes)));
    assert.deepEqual([statistics.min, statistics.max], [`${INT64_MIN}`, `${INT64_MAX}`]);
  });
  it("for a spreadsheet has a line for each figure", () => {
    assert.equal(
      figuresText(fresh()),
      [
        "min\t2",
        "max\t2452",
        "median\t5",
        "mean\t499.6",
        "count\t5",
        "sum\t2498",
        "std_dev\t976.2759036256093",
        "variance\t953114.64",
        "quantile 0.25\t4",
        "quantile 0.75\t35",
      ].join("\n"),
    );
  });
});
