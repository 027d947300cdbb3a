// Starts a worker of its own at the queue of a stack: one that comes later than the calls.

import { spawn } from "node:child_process";
import { beside, terminate, type Stack } from "./stack";

/** A running worker. */
export interface Worker {
  stop(): Promise<void>;
}

/** Starts `compute-worker` at the embedded SQS and S3 of a stack that was started here. */
export function startWorker(stack: Stack, name: string, flags: readonly string[] = []): Worker {
  const { path, env } = beside(stack, "compute-worker");
  const queue = ["--request-queue", "compute-requests", "--log-bucket", "compute-logs", "--poll-wait", "1s"];
  const child = spawn(path, [...queue, "--worker-id", name, "--admin-listen", "127.0.0.1:0", ...flags], {
    stdio: "ignore",
    env,
  });
  return { stop: () => terminate(child) };
}
