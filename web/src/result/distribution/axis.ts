// Ticks of an axis and their labels.

import { ticks } from "d3-array";
import type { Shape } from "./shape";

/** Writes numbers short enough for a chart. */
export type Brief = (value: number | bigint) => string;

/** A label on an axis: where, from 0 to 1, and its text. */
export interface Tick {
  readonly at: number;
  readonly text: string;
}

/**
 * Writes numbers up to this size so that a difference of `step` can be seen: `0.25`, `12,500`, `1.25M`, `9.22 × 10¹⁸`. All
 * digits of a large number are written only where fewer would not tell it from its neighbours.
 */
export function brief(locale: string, size: number, step: number): Brief {
  const magnitude = Math.floor(Math.log10(Math.max(size, 1)));
  const place = step > 0 ? Math.floor(Math.log10(step)) : 0;
  const significant = Math.max(1, magnitude - place + 1);
  if (magnitude < 6 || significant > MOST_SIGNIFICANT) {
    const decimals = Math.min(20, Math.max(0, -place));
    const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: decimals });
    return (value) => plain.format(value);
  }
  if (magnitude < 15) {
    const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: significant });
    return (value) => compact.format(value);
  }
  const mantissa = new Intl.NumberFormat(locale, { maximumFractionDigits: significant - 1 });
  return (value) => scientific(Number(value), magnitude, mantissa);
}

/** Writes the edges of bins to a hundredth of a bin. */
export function briefEdges({ low, high, bins }: Shape, locale: string): Brief {
  return brief(locale, Math.max(Math.abs(low), Math.abs(high)), (high - low) / bins.length / 100);
}

/** As many ticks as have room in `width`, so that their labels do not touch. `measure` tells how wide a text is. */
export function axisTicks(
  low: number,
  high: number,
  locale: string,
  width: number,
  measure: (text: string) => number,
): readonly Tick[] {
  for (let wanted = MOST_TICKS; wanted > 1; wanted -= 1) {
    const values = ticks(low, high, wanted);
    const [first, second] = values;
    if (first === undefined || second === undefined) {
      continue;
    }
    const write = brief(locale, Math.max(Math.abs(low), Math.abs(high)), second - first);
    const labels = values.map((value) => ({ at: (value - low) / (high - low), text: write(value) }));
    if (new Set(labels.map(({ text }) => text)).size === labels.length && areApart(labels, width, measure)) {
      return labels;
    }
  }
  return [];
}

/** The start of a label as near to the middle over `x` as the width allows. */
export function within(x: number, label: number, width: number): number {
  return Math.max(0, Math.min(x - label / 2, width - label));
}

const MOST_TICKS = 9;
const MOST_SIGNIFICANT = 5;
const GAP_PX = 14;

function areApart(labels: readonly Tick[], width: number, measure: (text: string) => number): boolean {
  let end = -GAP_PX;
  return labels.every(({ at, text }) => {
    const size = measure(text);
    const start = within(at * width, size, width);
    const isFree = start >= end + GAP_PX;
    end = start + size;
    return isFree;
  });
}

// All labels of an axis have the same power of ten, so that they compare at a glance.
function scientific(value: number, power: number, mantissa: Intl.NumberFormat): string {
  const written = mantissa.format(value / 10 ** power);
  return value === 0 ? mantissa.format(0) : `${written}\u00a0×\u00a010${superscript(power)}`;
}

function superscript(power: number): string {
  return Array.from(String(power), (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? "").join("");
}
