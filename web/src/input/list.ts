// The list that the form holds, as far as it is read.

import { signal } from "@preact/signals";
import type { Reading } from "../reading/messages";

export type List =
  /** The share that is read, from 0 to 1. */
  { readonly kind: "reading"; readonly fraction: number } | Reading;

/** The list. */
export const list = signal<List>({ kind: "empty" });
