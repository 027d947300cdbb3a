// Fetches the results of this tab's operations that the log's listing does not have yet: those that timed out, as soon as
// they have come to their end, and those that were answered a moment ago.

import { effect, untracked } from "@preact/signals";
import { Code } from "@connectrpc/connect";
import type { Operation } from "../../gen/compute/v1/compute_pb";
import { failureOf } from "../api/failure";
import { getOperation, idOf, nameOf } from "../api/operations";
import { announce } from "../shell/announce";
import { operations, put, reach } from "./listing";
import { arrived, own, type Own } from "./own";
import { isVisible, pause } from "./visible";
import { historyWords } from "./words";

// Pauses between two rounds double, from the first one to the longest.
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** Fetches them while the tab is shown, until the function returned is called. */
export function followOwn(): () => void {
  const stopNoting = effect(noteListed);
  const stopFetching = effect(() => {
    // A new one is asked for soon, however long the pauses for the others have become.
    const isNeeded = own.value.some(isFollowed);
    if (!isVisible.value || !isNeeded) {
      return;
    }
    const following = new AbortController();
    untracked(() => void follow(following.signal));
    return () => following.abort();
  });
  return () => {
    stopNoting();
    stopFetching();
  };
}

// A late one may have come with a page of the listing, too.
function noteListed(): void {
  const late = new Set(own.value.filter(({ state }) => state === "late").map(({ operationId }) => operationId));
  const come = late.size === 0 ? [] : operations.value.filter((operation) => late.has(idOf(operation)));
  untracked(() => come.forEach(note));
}

// What is done and lies beyond the pages that are there comes with a further page.
function isFollowed(one: Own): one is Own & { readonly operationId: string } {
  const { operationId, state } = one;
  return operationId !== undefined && (state === "late" || (state === "done" && nameOf(operationId) > reach.peek()));
}

async function follow(signal: AbortSignal): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const listed = new Set(operations.peek().map(idOf));
    const missing = own
      .peek()
      .filter(isFollowed)
      .filter(({ operationId }) => !listed.has(operationId));
    if (missing.length === 0 || signal.aborted) {
      return;
    }
    // One after the other: a browser has few connections to a host, and calls of the page need them.
    for (const { operationId } of missing) {
      await fetchResult(operationId, signal);
      if (signal.aborted) {
        return;
      }
    }
    await pause(pauseMs, signal);
  }
}

async function fetchResult(id: string, signal: AbortSignal): Promise<void> {
  try {
    const operation = await getOperation(id, signal);
    if (operation.done) {
      settle(operation);
    }
  } catch (thrown) {
    const { code, reason } = failureOf(thrown);
    if (!signal.aborted && code === Code.NotFound && reason === "OPERATION_NOT_FOUND") {
      arrived(id, "failed");
    }
  }
}

/** Takes the result of an operation into the history; says so if it was late. */
export function settle(operation: Operation): void {
  put(operation);
  note(operation);
}

function note(operation: Operation): void {
  if (arrived(idOf(operation), operation.result.case === "error" ? "failed" : "done")) {
    announce(historyWords().arrived);
  }
}
