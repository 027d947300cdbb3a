// Where in the history somebody was who looks at one of its operations.

import { signal } from "@preact/signals";

/** The operation that was opened from the history, until the history is shown again. */
export const opened = signal<string | undefined>(undefined);

let scrolledTo = 0;

/**
 * Keeps how far the history is scrolled, until the function returned is called. Called once its rows are there: whoever comes
 * back from an operation finds its row where it was, and the focus on it.
 */
export function keepPosition(): () => void {
  const back = opened.value;
  opened.value = undefined;
  window.scrollTo({ top: back === undefined ? 0 : scrolledTo, behavior: "instant" });
  if (back !== undefined) {
    document.querySelector<HTMLElement>(`#history [data-operation="${back}"] a`)?.focus({ preventScroll: true });
  }
  const note = () => {
    scrolledTo = window.scrollY;
  };
  note();
  window.addEventListener("scroll", note, { passive: true });
  return () => window.removeEventListener("scroll", note);
}
