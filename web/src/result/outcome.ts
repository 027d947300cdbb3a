// The result of an operation, whether it was just computed or comes from the log.

import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ComputeResponse, Operation, Statistics, Timing } from "../../gen/compute/v1/compute_pb";
import { createTimeOf } from "../operation-id";
import type { ReadList } from "../reading/messages";
import { summary } from "./summary";

/** A result, ready to be shown. */
export interface Outcome {
  readonly operationId: string;
  readonly statistics: Statistics;
  /** Where the time went, as far as it is known. */
  readonly timing: Timing | undefined;
  /** How long it took from this page and back, by the browser's clock. Undefined for a result from the log. */
  readonly roundTripMs: number | undefined;
  /** The trace that the call began. Undefined for a result from the log. */
  readonly traceId: string | undefined;
  /** Empty if it is not known. */
  readonly worker: string;
  /** The first values, at most 1,000. None if the log holds none. */
  readonly values: readonly bigint[];
  /** The log's summary text. Undefined if the log holds none. */
  readonly summary: string | undefined;
  readonly createTime: Date | undefined;
  readonly finishTime: Date | undefined;
}

/** The result in the answer of a call. Undefined if the answer has no statistics: page and gateway are of different versions. */
export function ofResponse(
  response: ComputeResponse,
  list: ReadList,
  roundTripMs: number,
  traceId: string,
): Outcome | undefined {
  const { operationId, statistics, timing, worker } = response;
  if (statistics === undefined) {
    return undefined;
  }
  return {
    operationId,
    statistics,
    timing,
    roundTripMs,
    traceId,
    worker,
    values: list.first,
    summary: summary(list.first, statistics),
    createTime: createTimeOf(operationId),
    finishTime: undefined,
  };
}

/** The result of an operation from the log. Undefined if it has none (yet). */
export function ofOperation(operation: Operation): Outcome | undefined {
  const { name, result, timing, worker, values, createTime, finishTime } = operation;
  if (result.case !== "statistics") {
    return undefined;
  }
  return {
    operationId: name.replace(/^operations\//, ""),
    statistics: result.value,
    timing,
    roundTripMs: undefined,
    traceId: undefined,
    worker,
    values,
    summary: operation.summary === "" ? undefined : operation.summary,
    createTime: createTime && timestampDate(createTime),
    finishTime: finishTime && timestampDate(finishTime),
  };
}
