// The page's side of the reading thread.

import type { ComputeResponse } from "../../gen/compute/v1/compute_pb";
import type { Failure } from "../api/failure";
import type { ComputeOptions, Reading, Reply, Request, Source } from "./messages";

/** Reads lists, and sends the one that was read last. There is one reader, and one thread, for as long as the page is open. */
export interface Reader {
  /** Loads what it reads with, so that nothing needs to be loaded when there is something to read. */
  start(): void;

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
    traceparent: string,
    signal: AbortSignal,
  ): Promise<{ readonly response: ComputeResponse } | { readonly failure: Failure }>;
}

/** The thread has ended, and the list that it held is gone. The next reading starts a new one. */
export class ThreadError extends Error {
  override readonly name = "ThreadError";
}

/** What the reader needs of a `Worker`. */
export type Thread = Pick<Worker, "postMessage" | "terminate" | "addEventListener">;

type Answer = Exclude<Reply, { kind: "progress" }>;

interface Waiting {
  readonly answer: (reply: Answer) => void;
  readonly reject: (reason: unknown) => void;
  readonly progress: (fraction: number) => void;
}

/** A reader with a thread of its own, which is started anew when it has died and is needed. */
export class ThreadReader implements Reader {
  readonly #make: () => Thread;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Thread | undefined;
  #lastId = 0;
  #reading: number | undefined;

  constructor(make: () => Thread) {
    this.#make = make;
  }

  start(): void {
    this.#running();
  }

  async read(source: Source, progress: (fraction: number) => void): Promise<Reading> {
    if (this.#reading !== undefined) {
      this.#giveUp(this.#reading);
    }
    this.#lastId += 1;
    const id = this.#lastId;
    this.#reading = id;
    const reply = await this.#ask({ id, kind: "read", source }, progress);
    if (reply.kind !== "read") {
      throw unexpected(reply);
    }
    return reply.reading;
  }

  async compute(
    options: ComputeOptions,
    timeoutMs: number,
    token: string | undefined,
    traceparent: string,
    signal: AbortSignal,
  ): Promise<{ readonly response: ComputeResponse } | { readonly failure: Failure }> {
    signal.throwIfAborted();
    if (this.#thread === undefined) {
      throw new ThreadError("the reading thread has ended, and the list with it");
    }
    this.#lastId += 1;
    const id = this.#lastId;
    const abort = () => this.#giveUp(id);
    signal.addEventListener("abort", abort);
    try {
      const reply = await this.#ask({ id, kind: "compute", options, timeoutMs, token, traceparent }, () => {});
      switch (reply.kind) {
        case "computed":
          return { response: reply.response };
        case "failed":
          return { failure: reply.failure };
        default:
          throw unexpected(reply);
      }
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #ask(request: Exclude<Request, { kind: "cancel" }>, progress: (fraction: number) => void): Promise<Answer> {
    return new Promise((answer, reject) => {
      this.#waiting.set(request.id, { answer, reject, progress });
      this.#running().postMessage(request);
    });
  }

  #giveUp(id: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      this.#waiting.delete(id);
      this.#thread?.postMessage({ id, kind: "cancel" } satisfies Request);
      waiting.reject(new DOMException("given up", "AbortError"));
    }
  }

  #running(): Thread {
    return (this.#thread ??= this.#started());
  }

  #started(): Thread {
    const thread = this.#make();
    thread.addEventListener("message", ({ data }) => this.#hear(data as Reply));
    // Its script could not be loaded, or it failed outside of any request.
    thread.addEventListener("error", (event) => {
      event.preventDefault();
      this.#end(thread, event.message);
    });
    thread.addEventListener("messageerror", () => this.#end(thread, "a message could not be read"));
    return thread;
  }

  #hear(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (reply.kind === "progress") {
      waiting?.progress(reply.fraction);
    } else {
      this.#waiting.delete(reply.id);
      waiting?.answer(reply);
    }
  }

  #end(thread: Thread, why: string | undefined): void {
    thread.terminate();
    if (thread !== this.#thread) {
      return;
    }
    this.#thread = undefined;
    const error = new ThreadError(`the reading thread has ended: ${why || "it could not be started"}`);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    waiting.forEach(({ reject }) => reject(error));
  }
}

function unexpected(reply: Answer): Error {
  return new Error(reply.kind === "broken" ? reply.detail : `the reading thread answered with ${reply.kind}`);
}

/** The reader of the page. */
export const reader: Reader = new ThreadReader(() => new Worker(THREAD_URL, { type: "module" }));
