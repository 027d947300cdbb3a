// Watches one operation until it has come to its end.

import { Code } from "@connectrpc/connect";
import type { Operation } from "../../gen/compute/v1/compute_pb";
import { failureOf, type Failure } from "../api/failure";
import { getOperation, waitOperation } from "../api/operations";
import { createTimeOf } from "../operation-id";
import { pause } from "./visible";

/** What is known of it. */
export type Known =
  | { readonly state: "looking" }
  /** It may be on its way. With a `failure`, the gateway was asked in vain just now. */
  | { readonly state: "pending"; readonly failure?: Failure }
  | { readonly state: "done"; readonly operation: Operation }
  /** The log does not tell. */
  | { readonly state: "failed"; readonly failure: Failure }
  /** This cannot be the id of an operation. */
  | { readonly state: "malformed" };

// How long the gateway waits in one call. Proxies between often end calls after a minute.
const WAIT_MS = 20_000;

// Pauses after failures double, from the first one to the longest.
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** Tells what is known, each time that changes, until that is the end of it or the signal aborts. */
export async function watch(id: string, signal: AbortSignal, tell: (known: Known) => void): Promise<void> {
  if (createTimeOf(id) === undefined) {
    tell({ state: "malformed" });
    return;
  }
  // The first look does not wait: it tells whether to show a result or a wait.
  let isFirst = true;
  for (let failures = 0; !signal.aborted; isFirst = false) {
    const known = await ask(isFirst ? getOperation(id, signal) : waitOperation(id, WAIT_MS, signal), isFirst);
    if (signal.aborted) {
      return;
    }
    tell(known);
    if (known.state !== "pending") {
      return;
    }
    failures = known.failure === undefined ? 0 : failures + 1;
    const backoff = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
    await pause(failures === 0 ? known.retryAfterMs : Math.max(backoff, known.retryAfterMs), signal);
  }
}

type Answer = Known & { readonly retryAfterMs: number };

async function ask(asked: Promise<Operation>, isFirst: boolean): Promise<Answer> {
  try {
    const operation = await asked;
    const retryAfterMs = FIRST_PAUSE_MS;
    return operation.done ? { state: "done", operation, retryAfterMs } : { state: "pending", retryAfterMs };
  } catch (thrown) {
    const failure = failureOf(thrown);
    const retryAfterMs = failure.retryAfterMs ?? FIRST_PAUSE_MS;
    if (failure.reason === "NOT_RECORDED_YET") {
      return { state: "pending", retryAfterMs };
    }
    return { state: isFirst || !isPassing(failure) ? "failed" : "pending", failure, retryAfterMs };
  }
}

// Whether the same call may be answered later.
function isPassing({ code }: Failure): boolean {
  return (
    code === undefined || [Code.Unavailable, Code.ResourceExhausted, Code.DeadlineExceeded, Code.Aborted].includes(code)
  );
}
