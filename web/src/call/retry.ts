// When to try again: the countdown after a call that was refused, and trying again by itself for those who want that.

import { effect, signal } from "@preact/signals";
import { call } from "./call";
import { mayRepeat } from "./remedy";
import { isSameList, retryCall } from "./start";

/** Whether the call is made again by itself. Holds until it succeeds, is given up, or fails in a way that comes back. */
export const byItself = signal(false);

/** In how many seconds to try again; 0: now. */
export const secondsLeft = signal(0);

// Between calls that are made by themselves, each pause is twice the one before, up to the longest. The gateway's word counts
// if it is longer.
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

// Shorter than a second, so that none is skipped.
const TICK_MS = 200;

let pauseMs = FIRST_PAUSE_MS;

effect(() => {
  const now = call.value;
  switch (now.state) {
    case "computing":
      return;
    case "failed":
      if (!mayRepeat(now.failure)) {
        byItself.value = false;
      }
      return countDown(Math.max(now.failure.retryAfterMs ?? 0, byItself.peek() ? nextPause() : 0));
    case "idle":
    case "done":
      byItself.value = false;
      pauseMs = FIRST_PAUSE_MS;
      return;
  }
});

effect(() => {
  if (byItself.value && secondsLeft.value === 0 && call.value.state === "failed" && isSameList.value) {
    // Not inside of this effect: the call changes what it looks at.
    const timer = setTimeout(retryCall);
    return () => clearTimeout(timer);
  }
  return undefined;
});

function nextPause(): number {
  const pause = pauseMs;
  pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  return pause;
}

function countDown(ms: number): () => void {
  const due = performance.now() + ms;
  const tick = () => {
    secondsLeft.value = Math.max(0, Math.ceil((due - performance.now()) / 1_000));
    if (secondsLeft.peek() === 0) {
      clearInterval(timer);
    }
  };
  const timer = setInterval(tick, TICK_MS);
  tick();
  return () => clearInterval(timer);
}
