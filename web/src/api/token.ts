// The token of whoever uses the page, where authentication is on. Remembered for the tab alone.

import { signal } from "@preact/signals";

const KEY = "compute.token";

/** The token; undefined: none was given. */
export const token = signal<string | undefined>(sessionStorage.getItem(KEY) ?? undefined);

/** Takes a token, or forgets it. */
export function setToken(given: string | undefined): void {
  token.value = given;
  if (given === undefined) {
    sessionStorage.removeItem(KEY);
  } else {
    sessionStorage.setItem(KEY, given);
  }
}
