// Numbers, durations and texts of others as plain text, the same in every language.

import type { Duration } from "@bufbuild/protobuf/wkt";

/**
 * The shortest decimal that reads back as the same double, written out: never an exponent, no `.0` after a whole number.
 * The log of an operation writes doubles the same way.
 */
export function formatDouble(x: number): string {
  const shortest = String(x);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(shortest);
  if (match === null) {
    return shortest;
  }
  const [, sign = "", lead = "", fraction = "", exponent = ""] = match;
  const digits = lead + fraction;
  // Digits before the point; JavaScript writes an exponent from 1e21 up and below 1e-6, so the point is never among them.
  const point = Number(exponent) + 1;
  return point > 0 ? `${sign}${digits.padEnd(point, "0")}` : `${sign}0.${"0".repeat(-point)}${digits}`;
}

/** A duration in milliseconds. */
export function milliseconds(duration: Duration): number {
  return Number(duration.seconds) * 1_000 + duration.nanos / 1_000_000;
}

/**
 * A duration for people, with three significant digits: `0.42 ms`, `12.3 ms`, `1.23 s`, `95 s`. Zero is `< 1 ms`: it comes from
 * clocks that are read to the millisecond.
 */
export function formatMilliseconds(ms: number): string {
  if (ms === 0) {
    return "< 1 ms";
  }
  if (ms < 0.001) {
    return "< 0.001 ms";
  }
  return ms < 999.5 ? `${significant(ms)} ms` : `${significant(ms / 1_000)} s`;
}

function significant(x: number): string {
  return x >= 100 ? String(Math.round(x)) : String(Number(x.toPrecision(3)));
}

/** The text shortened to what fits a sentence, with invisible characters spelled out as U+XXXX. */
export function visible(text: string, limit = 40): string {
  const characters = Array.from(text.slice(0, 2 * limit + 2));
  const kept = characters.length > limit ? [...characters.slice(0, limit), "…"] : characters;
  return kept.join("").replace(/[\p{C}\p{Z}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return character === " " ? " " : `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}
