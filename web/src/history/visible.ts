// Whether somebody can see the page: in a hidden tab nothing is asked for.

import { signal } from "@preact/signals";

/** Whether the tab is shown. */
export const isVisible = signal(document.visibilityState === "visible");

document.addEventListener("visibilitychange", () => {
  isVisible.value = document.visibilityState === "visible";
});

/** Ends when the time has passed, or the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
