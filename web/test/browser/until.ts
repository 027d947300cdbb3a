// Waits by condition.

import { setTimeout as delay } from "node:timers/promises";

const INTERVAL_MS = 25;

/** Polls until the condition gives a value; fails, naming what was waited for, when `limitMs` have passed. */
export async function until<T>(what: string, limitMs: number, condition: () => Promise<T | undefined>): Promise<T> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined) {
      return value;
    }
    if (performance.now() > limit) {
      throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    }
    await delay(INTERVAL_MS);
  }
}
