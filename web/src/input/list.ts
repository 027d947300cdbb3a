// The list that the form holds, as far as it is read.

import { signal } from "@preact/signals";
import type { Reading } from "../reading/messages";

/** What came of reading a list. */
export type SettledList =
  /** Reading ended without a word about the list. `detail` is for the curious, and English. */
  { readonly kind: "failed"; readonly detail: string } | Reading;

/** The list: what came of reading it, or the share that is read, from 0 to 1. */
export type List = { readonly kind: "reading"; readonly fraction: number } | SettledList;

/** The list. */
export const list = signal<List>({ kind: "empty" });
