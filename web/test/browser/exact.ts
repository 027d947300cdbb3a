// Statistics over integers in exact arithmetic: what the answers of the whole system are measured against.

/** The statistics as the page's `data` elements write them. */
export type Exact = Readonly<
  Record<"count" | "min" | "max" | "sum" | "median" | "mean" | "variance" | "std_dev", string>
>;

/** Computes them with integers of any size; each double is rounded once, the standard deviation once more. */
export function exactStatistics(values: BigInt64Array): Exact {
  const sorted = values.toSorted();
  const n = BigInt(values.length);
  let sum = 0n;
  let squares = 0n;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const lower = sorted[Math.floor((values.length - 1) / 2)] ?? 0n;
  const upper = sorted[Math.floor(values.length / 2)] ?? 0n;
  const variance = nearest(n * squares - sum * sum, n * n);
  return {
    count: String(n),
    min: String(sorted[0]),
    max: String(sorted.at(-1)),
    sum: String(sum),
    median: written(nearest(lower + upper, 2n)),
    mean: written(nearest(sum, n)),
    variance: written(variance),
    std_dev: written(Math.sqrt(variance)),
  };
}

/** The double that is nearest to a fraction, of two as near the even one. */
export function nearest(numerator: bigint, denominator: bigint): number {
  const magnitude = numerator < 0n ? -numerator : numerator;
  // So many binary digits behind the point that there are more than a double has. Whether anything follows them stands in one
  // more digit, and so the conversion rounds as it would round the fraction.
  const scale = BigInt(denominator.toString(2).length + 64);
  const scaled = magnitude << scale;
  const quotient = ((scaled / denominator) << 1n) | (scaled % denominator === 0n ? 0n : 1n);
  const rounded = Number(quotient) / 2 ** Number(scale + 1n);
  return numerator < 0n ? -rounded : rounded;
}

// The shortest decimal that reads back as the same double, without an exponent.
function written(x: number): string {
  const shortest = String(x);
  const [, sign = "", lead = "", fraction = "", exponent = ""] = /^(-?)(\d)(?:\.(\d+))?e\+(\d+)$/.exec(shortest) ?? [];
  return exponent === "" ? shortest : sign + (lead + fraction).padEnd(Number(exponent) + 1, "0");
}
