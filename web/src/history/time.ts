// Times of operations, and how people say them.

import { computed, signal } from "@preact/signals";
import { integer, moment } from "../language/format";
import { locale } from "../language/language";

const SECOND_MS = 1_000;
const STEP_MS = 10 * SECOND_MS;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The day of a time in UTC, such as `2026-11-24`. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** The present, for texts that tell how long ago something was. It moves on by steps while somebody looks. */
export const now = signal(Date.now());

/** Keeps `now` moving until the function returned is called. */
export function startClock(stepMs: number): () => void {
  const move = () => {
    now.value = Date.now();
  };
  move();
  const timer = setInterval(move, stepMs);
  return () => clearInterval(timer);
}

const relative = computed(() => new Intl.RelativeTimeFormat(locale.value, { numeric: "auto", style: "short" }));

/** How long ago a time was: `5 min. ago`; the moment itself when that is more than a day. */
export function ago(date: Date, nowMs: number): string {
  const ms = Math.max(nowMs - date.getTime(), 0);
  if (ms < MINUTE_MS) {
    // In steps of the clock that moves `now` in the history.
    return relative.value.format(-Math.floor(ms / STEP_MS) * (STEP_MS / SECOND_MS), "second");
  }
  if (ms < HOUR_MS) {
    return relative.value.format(-Math.floor(ms / MINUTE_MS), "minute");
  }
  return ms < DAY_MS ? relative.value.format(-Math.floor(ms / HOUR_MS), "hour") : moment(date);
}

/** The moment for people, and as programs write it, which says it in UTC. */
export function exactly(date: Date): string {
  return `${moment(date)} (${date.toISOString()})`;
}

/** How long something has lasted so far, in whole units: `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function lasting(ms: number): string {
  const seconds = Math.floor(Math.max(ms, 0) / SECOND_MS);
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3_600)];
  if (minutes === 0) {
    return `${seconds}\u00a0s`;
  }
  return hours === 0
    ? `${minutes}\u00a0min ${seconds % 60}\u00a0s`
    : `${integer(hours)}\u00a0h ${minutes % 60}\u00a0min`;
}
