// What a screen reader is told of what happens elsewhere on the page.

import { signal } from "@preact/signals";

/** The text of the page's live region. */
export const announcement = signal("");

const NO_BREAK_SPACE = "\u00a0";

/** Has a screen reader say this when it is done with what it says now. What is said again is heard again. */
export function announce(text: string): void {
  announcement.value = announcement.value === text ? text + NO_BREAK_SPACE : text;
}
