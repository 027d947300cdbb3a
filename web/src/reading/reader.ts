// The page's side of the reading thread.

import type { ComputeResponse } from "../../gen/compute/v1/compute_pb";
import type { Failure } from "../api/failure";
import type { ComputeOptions, Reading, Source } from "./messages";

/** Reads lists, and sends the one that was read last. There is one reader, and one thread, for as long as the page is open. */
export interface Reader {
  /**
   * Reads a list. It takes the place of the one that was read before; a reading under way is given up, and its promise
   * rejects with an `AbortError`. `progress` is told the share that is read, from 0 to 1.
   */
  read(source: Source, progress: (fraction: number) => void): Promise<Reading>;

  /**
   * Makes the call over the list that was read last. Aborting ends it on the wire, too, and the promise rejects with an
   * `AbortError`; a call that fails otherwise gives its `Failure`.
   */
  compute(
    options: ComputeOptions,
    timeoutMs: number,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly response: ComputeResponse } | { readonly failure: Failure }>;
}
