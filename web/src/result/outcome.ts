// The result of an operation, whether it was just computed or comes from the log.

import type { ComputeResponse, Operation, Statistics, Timing } from "../../gen/compute/v1/compute_pb";
import type { ReadList } from "../reading/messages";

/** A result, ready to be shown. */
export interface Outcome {
  readonly operationId: string;
  readonly statistics: Statistics;
  /** Where the time went, as far as it is known. */
  readonly timing: Timing | undefined;
  /** How long it took from this page and back, by the browser's clock. Undefined for a result from the log. */
  readonly roundTripMs: number | undefined;
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
export declare function ofResponse(response: ComputeResponse, list: ReadList, roundTripMs: number): Outcome | undefined;

/** The result of an operation from the log. Undefined if it has none (yet). */
export declare function ofOperation(operation: Operation): Outcome | undefined;
