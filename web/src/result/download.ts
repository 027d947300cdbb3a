// A result as a file.

import { toJson, type JsonValue } from "@bufbuild/protobuf";
import { StatisticsSchema, TimingSchema } from "../../gen/compute/v1/compute_pb";
import { formatDouble } from "../plain";
import type { Outcome } from "./outcome";

/**
 * The result as JSON, a line for each member. What is not known is left out.
 *
 * - `operationId`: the operation's id;
 * - `traceId`: the trace that the call began, 32 hex digits;
 * - `createTime`, `finishTime`: when it was made and finished, in UTC (RFC 3339);
 * - `worker`: the worker that computed it;
 * - `statistics`, `timing`: `compute.v1.Statistics` and `compute.v1.Timing` as Protobuf writes them in JSON, zeros included:
 *   64-bit integers are strings, durations are seconds such as `"0.012s"`;
 * - `roundTripMs`: how long the call took from the page and back, in milliseconds;
 * - `values`: the first values, at most 1,000, as strings;
 * - `summary`: the log's summary text.
 */
export function resultJson(outcome: Outcome): string {
  const { operationId, traceId, createTime, finishTime, worker } = outcome;
  const { statistics, timing, roundTripMs, values, summary } = outcome;
  const members: Record<string, JsonValue | undefined> = {
    operationId,
    traceId,
    createTime: createTime?.toISOString(),
    finishTime: finishTime?.toISOString(),
    worker: worker === "" ? undefined : worker,
    statistics: toJson(StatisticsSchema, statistics, { alwaysEmitImplicit: true }),
    timing: timing && toJson(TimingSchema, timing),
    roundTripMs,
    values: values.length === 0 ? undefined : values.map(String),
    summary,
  };
  return `${JSON.stringify(members, undefined, 2)}\n`;
}

/** The statistics as lines of a name, a tab and a number, with the names of the API: what a spreadsheet takes. */
export function figuresText({ statistics }: Outcome): string {
  const { count, min, max, median, mean, sum, variance, stdDev, quantiles } = statistics;
  return [
    ["min", min],
    ["max", max],
    ["median", formatDouble(median)],
    ["mean", formatDouble(mean)],
    ["count", count],
    ["sum", sum],
    ["std_dev", formatDouble(stdDev)],
    ["variance", formatDouble(variance)],
    ...quantiles.map(({ probability, value }) => [`quantile ${formatDouble(probability)}`, formatDouble(value)]),
  ]
    .map(([name, value]) => `${name}\t${value}`)
    .join("\n");
}

const REVOKE_MS = 60_000;

/** Hands a text to the browser's downloads. */
export function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // Not all browsers have read the blob when the click returns, and none tells when it has.
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_MS);
}
