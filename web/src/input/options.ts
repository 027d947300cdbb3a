// Reads the optional inputs of the form and of the address. Ranges are the gateway's to check: it knows its limits and names
// the field in its answer. Here only what cannot be put into a request is refused.

import { visible } from "../plain";
import { inputWords } from "./words";

/** A value, or a sentence (without a full stop, in the page's language) that says what is wrong. */
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Reads probabilities such as `0.25, 0.5, .75`, separated as integers are. */
export function readProbabilities(text: string): Read<number[]> {
  const probabilities: number[] = [];
  for (const token of text.split(/[,;\s]+/).filter((token) => token !== "")) {
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(token)) {
      return { ok: false, reason: inputWords().notProbability(visible(token)) };
    }
    probabilities.push(Number(token));
  }
  return { ok: true, value: probabilities };
}

/** Most quantiles that a request may ask for, as `proto/validate.rs` has it. */
const MAX_QUANTILES = 100;

/**
 * The quantiles to ask for: the caller's first, in their order, then the quartiles 0.25 and 0.75 where the caller has not asked
 * for them; a box plot needs them. They are left out where they would make the request too large.
 */
export function withQuartiles(probabilities: readonly number[]): number[] {
  const missing = [0.25, 0.75].filter((quartile) => !probabilities.includes(quartile));
  return probabilities.length + missing.length > MAX_QUANTILES ? [...probabilities] : [...probabilities, ...missing];
}

/** Bins of the histogram when none are asked for. */
export const DEFAULT_BINS = 30;

/** Reads a number of bins; the empty text is {@link DEFAULT_BINS}. */
export function readBins(text: string): Read<number> {
  const trimmed = text.trim();
  if (trimmed === "") {
    return { ok: true, value: DEFAULT_BINS };
  }
  const bins = Number(trimmed);
  if (!/^\d+$/.test(trimmed) || bins > 0xffff_ffff) {
    return { ok: false, reason: inputWords().notBins(visible(trimmed)) };
  }
  return { ok: true, value: bins };
}

/** How long a call may take when the address does not say, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** The longest time an address may ask for, in milliseconds: 15 min, the longest a gateway waits by default. */
export const MAX_TIMEOUT_MS = 900_000;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000 } as const;

/** Reads how long a call may take, in milliseconds, from the query of the page's address: `?timeout=500ms`, `5s`, `2m`. */
export function readTimeout(query: string): Read<number> {
  const text = new URLSearchParams(query).get("timeout");
  if (text === null) {
    return { ok: true, value: DEFAULT_TIMEOUT_MS };
  }
  const match = /^(\d{1,9})(ms|s|m)$/.exec(text);
  const timeoutMs = match === null ? Number.NaN : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  if (!(timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS)) {
    return { ok: false, reason: inputWords().notTimeout(visible(text)) };
  }
  return { ok: true, value: timeoutMs };
}
