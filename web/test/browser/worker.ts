// Starts a worker of its own at the queue of a stack: one that comes later than the calls.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { binary, terminate, type Stack } from "./stack";

/** A running worker. */
export interface Worker {
  stop(): Promise<void>;
}

/** Starts `compute-worker` at the embedded SQS and S3 of a stack that was started here. */
export function startWorker(stack: Stack, name: string, flags: readonly string[] = []): Worker {
  const path = join(dirname(binary()), "compute-worker");
  if (stack.aws === undefined || !existsSync(path)) {
    throw new Error(`a worker needs ${path}, and a stack that was started here`);
  }
  const queue = ["--request-queue", "compute-requests", "--log-bucket", "compute-logs", "--poll-wait", "1s"];
  const child = spawn(path, [...queue, "--worker-id", name, "--admin-listen", "127.0.0.1:0", ...flags], {
    stdio: "ignore",
    env: {
      ...process.env,
      AWS_ENDPOINT_URL: stack.aws,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    },
  });
  return { stop: () => terminate(child) };
}
