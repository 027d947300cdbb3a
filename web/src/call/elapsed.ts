// How long something has been going on.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { locale } from "../language/language";

const TICK_MS = 100;

/** The milliseconds since `startedAt`, a time of `performance.now()`, kept up to date. */
export function useElapsed(startedAt: number): number {
  const now = useSignal(performance.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = performance.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [now]);
  return Math.max(0, now.value - startedAt);
}

/** A time that runs: `4.2 s`, and from a minute on `1:04`. Its width does not change with each tick. */
export function runningTime(ms: number): string {
  if (ms < 60_000) {
    const tenths = new Intl.NumberFormat(locale.value, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    return `${tenths.format(Math.floor(ms / 100) / 10)}\u00a0s`;
  }
  const seconds = Math.floor(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
