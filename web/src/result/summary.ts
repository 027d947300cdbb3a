// The summary text of an operation, character for character as its log record holds it.

import { formatDouble } from "../plain";

/** Of a longer list the summary shows this many values, and how many there are. */
export const SUMMARY_VALUES = 1_000;

/** The statistics that a summary shows. */
export interface Summarized {
  readonly count: bigint;
  readonly min: bigint;
  readonly max: bigint;
  readonly median: number;
  readonly mean: number;
}

/**
 * The summary of a list, of which the first values are enough, at least 1,000 if it has as many, and of its statistics. Five
 * lines, without a line break at the end.
 */
export function summary(first: readonly bigint[], statistics: Summarized): string {
  const list =
    statistics.count <= BigInt(SUMMARY_VALUES)
      ? `[${first.join(", ")}]`
      : `[${first.slice(0, SUMMARY_VALUES).join(", ")}, …] (${statistics.count} values)`;
  return [
    `Liste: ${list}`,
    `Min:${statistics.min}`,
    `Max:${statistics.max}`,
    `Median:${formatDouble(statistics.median)}`,
    `Mean:${formatDouble(statistics.mean)}`,
  ].join("\n");
}
