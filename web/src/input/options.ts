// Reads the optional inputs of the form and of the address. Ranges are the gateway's to check: it knows its limits and names
// the field in its answer. Here only what cannot be put into a request is refused.

import { visible } from "../plain";

/** A value, or a sentence (without a full stop) that says what is wrong. */
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Reads probabilities such as `0.25, 0.5, .75`, separated as integers are. */
export function readProbabilities(text: string): Read<number[]> {
  const probabilities: number[] = [];
  for (const token of text.split(/[,;\s]+/).filter((token) => token !== "")) {
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(token)) {
      return {
        ok: false,
        reason: `“${visible(token)}” is not a number; quantiles are numbers from 0 to 1, such as 0.95`,
      };
    }
    probabilities.push(Number(token));
  }
  return { ok: true, value: probabilities };
}

/** Reads a number of bins; the empty text is none. */
export function readBins(text: string): Read<number | undefined> {
  const trimmed = text.trim();
  if (trimmed === "") {
    return { ok: true, value: undefined };
  }
  const bins = Number(trimmed);
  if (!/^\d+$/.test(trimmed) || bins > 0xffff_ffff) {
    return { ok: false, reason: `“${visible(trimmed)}” is not a number of bins; it is a whole number from 1 to 1,000` };
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
    const reason = `the address asks for timeout=${visible(text)}, which is not a duration such as 500ms, 5s or 2m (at most 15m)`;
    return { ok: false, reason };
  }
  return { ok: true, value: timeoutMs };
}
