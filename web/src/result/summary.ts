// The summary text of an operation, character for character as its log record holds it.

import { formatDouble } from "../plain";

/** Of a longer list the summary shows this many values, and how many there are. */
export const SUMMARY_VALUES = 1_000;

/** The statistics that a summary shows. */
export interface Summarized {
  readonly min: bigint;
  readonly max: bigint;
  readonly median: number;
  readonly mean: number;
}

/** The summary of a list and its statistics; five lines, without a line break at the end. */
export function summary(values: readonly bigint[], statistics: Summarized): string {
  const list =
    values.length <= SUMMARY_VALUES
      ? `[${values.join(", ")}]`
      : `[${values.slice(0, SUMMARY_VALUES).join(", ")}, …] (${values.length} values)`;
  return [
    `Liste: ${list}`,
    `Min:${statistics.min}`,
    `Max:${statistics.max}`,
    `Median:${formatDouble(statistics.median)}`,
    `Mean:${formatDouble(statistics.mean)}`,
  ].join("\n");
}
