// The shape of the data as it is drawn: bins and marks on one axis. Places on the axis are shares of it, from 0 to 1.

import type { Histogram, Statistics } from "../../../gen/compute/v1/compute_pb";

/** The points of the data that have names. */
export type MarkName = "min" | "lowerQuartile" | "median" | "mean" | "upperQuartile" | "max";

/** A named point of the data. */
export interface Mark {
  readonly name: MarkName;
  readonly value: number | bigint;
  /** Its place on the axis. */
  readonly at: number;
}

/** One bar of the histogram. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: bigint;
}

/** What is drawn. */
export interface Shape {
  /** The ends of the axis. Both are the same double where the values are too large to be told apart as doubles. */
  readonly low: number;
  readonly high: number;
  /** Bins of the same width, which together fill the axis. None if no histogram is known. */
  readonly bins: readonly Bin[];
  /** In the order of the axis, as far as they are known. Of equal values only the smallest and the largest are marked. */
  readonly marks: readonly Mark[];
  /** Whether all values are equal. */
  readonly isConstant: boolean;
  /**
   * Whether the values lie so close together, for their size, that median, mean and quartiles, which are doubles, would be
   * drawn at wrong places. Then only the smallest and the largest value are marked.
   */
  readonly isTooFine: boolean;
}

/** The shape of the data. Undefined if neither a histogram nor the quartiles are known. */
export function shapeOf(statistics: Statistics): Shape | undefined {
  const { min, max, median, mean } = statistics;
  const bins = binsOf(statistics.histogram);
  const lowerQuartile = quantile(statistics, 0.25);
  const upperQuartile = quantile(statistics, 0.75);
  if (bins.length === 0 && (lowerQuartile === undefined || upperQuartile === undefined)) {
    return undefined;
  }
  const isConstant = min === max;
  // The same ends that the histogram has (the bins of equal values reach half a unit to both sides).
  const low = bins[0]?.from ?? Number(min) - (isConstant ? 0.5 : 0);
  const high = bins.at(-1)?.to ?? Number(max) + (isConstant ? 0.5 : 0);
  const isTooFine = !isConstant && Number(max - min) < RESOLUTION * spacing(Math.max(Math.abs(low), Math.abs(high)));

  const place = (value: number) => Math.min(1, Math.max(0, (value - low) / (high - low)));
  const doubles: [MarkName, number | undefined][] = [
    ["lowerQuartile", lowerQuartile],
    ["median", median],
    ["mean", mean],
    ["upperQuartile", upperQuartile],
  ];
  const between = doubles.flatMap(([name, value]) =>
    value === undefined || isTooFine || isConstant ? [] : [{ name, value, at: place(value) }],
  );
  return {
    low,
    high,
    bins,
    marks: [
      { name: "min", value: min, at: isConstant ? 0.5 : 0 },
      ...between.sort((a, b) => a.at - b.at),
      { name: "max", value: max, at: isConstant ? 0.5 : 1 },
    ],
    isConstant,
    isTooFine,
  };
}

/** Where a bin is, from and to. It is counted, not measured: bins are of the same width, and their edges are rounded. */
export function binPlace(shape: Shape, index: number): readonly [from: number, to: number] {
  return [index / shape.bins.length, (index + 1) / shape.bins.length];
}

/** The quantile of this probability, if it was asked for. */
export function quantile(statistics: Statistics, probability: number): number | undefined {
  return statistics.quantiles.find((quantile) => quantile.probability === probability)?.value;
}

// So many doubles at least must lie between the smallest and the largest value: fewer, and a mark is visibly off its place.
const RESOLUTION = 200;

// The distance between doubles of this size.
function spacing(size: number): number {
  return 2 ** (Math.floor(Math.log2(Math.max(size, 1))) - 52);
}

// None, too, if edges and counts do not fit each other.
function binsOf(histogram: Histogram | undefined): readonly Bin[] {
  const { edges, counts } = histogram ?? { edges: [], counts: [] };
  if (edges.length !== counts.length + 1) {
    return [];
  }
  return counts.map((count, i) => ({ from: edges[i] ?? Number.NaN, to: edges[i + 1] ?? Number.NaN, count }));
}
