// Numbers, dates and durations as people of the page's language write them. What programs read is in `plain.ts`.

import { computed } from "@preact/signals";
import { formatDouble } from "../plain";
import { locale } from "./language";

const numbers = computed(() => new Intl.NumberFormat(locale.value, { maximumFractionDigits: 20 }));
const decimalSign = computed(
  () => numbers.value.formatToParts(0.5).find(({ type }) => type === "decimal")?.value ?? ".",
);
const dates = computed(() => new Intl.DateTimeFormat(locale.value, { dateStyle: "medium", timeStyle: "medium" }));

/** A whole number, in groups of digits. A text is one of any length, such as a sum. */
export function integer(value: bigint | number | string): string {
  return numbers.value.format(typeof value === "string" ? BigInt(value) : value);
}

/** A double, with as many digits as tell it from all others and no more. */
export function double(value: number): string {
  // A formatter rounds, in some browsers after 20 decimals: those of a long list's variance may be more.
  const [, sign = "", whole = "", fraction] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(formatDouble(value)) ?? [];
  if (whole === "") {
    return numbers.value.format(value);
  }
  // A BigInt has no -0.
  const shown = numbers.value.format(whole === "0" ? Number(`${sign}0`) : BigInt(sign + whole));
  return fraction === undefined ? shown : shown + decimalSign.value + fraction;
}

/** A moment, in the time zone of the browser. */
export function moment(date: Date): string {
  return dates.value.format(date);
}

/**
 * A duration with three significant digits: `0.42 ms`, `12.3 ms`, `1.23 s`, `95 s`. Zero is `< 1 ms`: it comes from clocks that
 * are read to the millisecond.
 */
export function duration(ms: number): string {
  if (ms === 0) {
    return `< ${integer(1)} ms`;
  }
  const [value, unit] = ms < 999.5 ? [ms, "ms"] : [ms / 1_000, "s"];
  const rounded = value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return `${numbers.value.format(rounded)}\u00a0${unit}`;
}
