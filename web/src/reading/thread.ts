// The reading thread: reads lists, and makes the call over the one that was read last.

import { compute } from "./compute";
import type { IntegerList } from "./integer-list";
import type { Reply, Request } from "./messages";
import { Pace } from "./pace";
import { read } from "./read";

// What is under way, by the id of its request.
const underWay = new Map<number, AbortController>();

let list: IntegerList | undefined;
let reading: AbortController | undefined;

self.addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.kind === "cancel") {
    underWay.get(data.id)?.abort();
  } else {
    void handle(data);
  }
});

async function handle(request: Exclude<Request, { kind: "cancel" }>): Promise<void> {
  const controller = new AbortController();
  underWay.set(request.id, controller);
  try {
    const reply = await (request.kind === "read"
      ? handleRead(request, controller)
      : handleCompute(request, controller));
    // Nobody waits for what was given up.
    if (!controller.signal.aborted) {
      answer(reply);
    }
  } catch (error) {
    if (!controller.signal.aborted) {
      answer({ id: request.id, kind: "broken", detail: String(error) });
    }
  } finally {
    underWay.delete(request.id);
  }
}

async function handleRead(
  { id, source }: Extract<Request, { kind: "read" }>,
  controller: AbortController,
): Promise<Reply> {
  reading?.abort();
  reading = controller;
  list = undefined;
  const pace = new Pace(controller.signal, (fraction) => answer({ id, kind: "progress", fraction }));
  const result = await read(source, pace);
  controller.signal.throwIfAborted();
  list = result.list;
  return { id, kind: "read", reading: result.reading };
}

async function handleCompute(
  { id, options, timeoutMs, token, traceparent }: Extract<Request, { kind: "compute" }>,
  { signal }: AbortController,
): Promise<Reply> {
  if (list === undefined) {
    throw new Error("there is no list to compute over");
  }
  const computed = await compute(list, options, timeoutMs, token, traceparent, signal);
  return "response" in computed ? { id, kind: "computed", ...computed } : { id, kind: "failed", ...computed };
}

function answer(reply: Reply): void {
  self.postMessage(reply);
}
