// What a screen reader is told of what happens elsewhere on the page.

import { signal } from "@preact/signals";

/** The text of the page's live region. */
export const announcement = signal("");

/** Has a screen reader say this when it is done with what it says now. */
export function announce(text: string): void {
  announcement.value = text;
}
