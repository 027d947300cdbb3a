// The call under way or just done, which is what the answer's side of the page shows.

import { signal } from "@preact/signals";
import type { Failure } from "../api/failure";
import type { Outcome } from "../result/outcome";

export type Call =
  | { readonly state: "idle" }
  /** `startedAt` is a time of `performance.now()`. `count` is 0 while the list is still being read. */
  | { readonly state: "computing"; readonly startedAt: number; readonly count: number; readonly timeoutMs: number }
  | { readonly state: "done"; readonly outcome: Outcome }
  | { readonly state: "failed"; readonly failure: Failure; readonly timeoutMs: number };

/** The call. */
export const call = signal<Call>({ state: "idle" });
