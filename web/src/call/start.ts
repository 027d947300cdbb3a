// Starts and ends the call.

import { computed, signal } from "@preact/signals";
import { failureOf, pageFailure, type Failure } from "../api/failure";
import { token } from "../api/token";
import { newTrace } from "../api/trace";
import { begin, end } from "../history/own";
import { list, type List } from "../input/list";
import { DEFAULT_TIMEOUT_MS, readTimeout } from "../input/options";
import type { ComputeOptions, ReadList } from "../reading/messages";
import { reader } from "../reading/reader";
import { ofResponse } from "../result/outcome";
import { announce } from "../shell/announce";
import { call, type Call } from "./call";
import { comesLater } from "./remedy";
import { callWords } from "./words";

// Ends the call under way.
let current: AbortController | undefined;

// The last call, to be made again.
const last = signal<{ readonly options: ComputeOptions; readonly list: List } | undefined>(undefined);

/** Whether the form still holds the list of the last call. */
export const isSameList = computed(() => last.value !== undefined && last.value.list === list.value);

/**
 * Calls the gateway with the list that the form holds, once it is read. Does nothing while a call is under way, and nothing
 * without a list: the form says what is wrong with it.
 */
export function startCall(options: ComputeOptions): void {
  const { kind } = list.peek();
  if (current !== undefined || (kind !== "list" && kind !== "reading")) {
    return;
  }
  current = new AbortController();
  void run(options, current.signal)
    .catch((error: unknown) => failed(pageFailure("PAGE_FAILED", String(error)), DEFAULT_TIMEOUT_MS))
    .then((became) => {
      current = undefined;
      call.value = became;
    });
}

/** Makes the last call again, with the list that is in the form still. Does nothing if it holds another one. */
export function retryCall(): void {
  if (isSameList.peek() && last.value !== undefined) {
    startCall(last.value.options);
  }
}

/** Gives up the call under way, on the wire too. */
export function cancelCall(): void {
  current?.abort();
}

async function run(options: ComputeOptions, ending: AbortSignal): Promise<Call> {
  const timeout = readTimeout(window.location.search);
  if (!timeout.ok) {
    return failed(pageFailure("ADDRESS_UNREADABLE", window.location.search), DEFAULT_TIMEOUT_MS);
  }
  announce(callWords().computing);
  if (list.peek().kind === "reading") {
    call.value = { state: "computing", startedAt: performance.now(), count: 0, timeoutMs: timeout.value };
    await whenRead(ending);
  }
  const read = list.peek();
  if (ending.aborted) {
    return cancelled();
  }
  if (read.kind !== "list") {
    announce("");
    return { state: "idle" };
  }
  last.value = { options, list: read };
  return await compute(read.list, options, timeout.value, ending);
}

// Done when the list is read, or the call is given up.
function whenRead(ending: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      stop();
      ending.removeEventListener("abort", settle);
      resolve();
    };
    ending.addEventListener("abort", settle);
    const stop = list.subscribe(({ kind }) => {
      if (kind !== "reading") {
        settle();
      }
    });
  });
}

async function compute(read: ReadList, options: ComputeOptions, timeoutMs: number, ending: AbortSignal): Promise<Call> {
  const startedAt = performance.now();
  call.value = { state: "computing", startedAt, count: read.count, timeoutMs };
  const key = begin(read.count);
  const trace = newTrace();
  let failure: Failure;
  try {
    const answer = await reader.compute(options, timeoutMs, token.peek(), trace.traceparent, ending);
    if ("response" in answer) {
      const { operationId } = answer.response;
      const outcome = ofResponse(answer.response, read, performance.now() - startedAt, trace.id);
      if (outcome !== undefined) {
        end(key, "done", operationId);
        announce(callWords().done(outcome.statistics));
        return { state: "done", outcome };
      }
      failure = { ...pageFailure("ANSWER_INCOMPLETE", "", operationId), traceId: trace.id };
    } else {
      failure = { ...answer.failure, traceId: trace.id };
    }
  } catch (error) {
    if (ending.aborted) {
      end(key, "cancelled", undefined);
      return cancelled();
    }
    failure = pageFailure("PAGE_FAILED", failureOf(error).message);
  }
  end(key, comesLater(failure) ? "late" : "failed", failure.operationId);
  return failed(failure, timeoutMs);
}

function failed(failure: Failure, timeoutMs: number): Call {
  // What went wrong is an alert, which speaks for itself.
  announce("");
  return { state: "failed", failure, timeoutMs };
}

function cancelled(): Call {
  announce(callWords().cancelled);
  return { state: "idle" };
}
