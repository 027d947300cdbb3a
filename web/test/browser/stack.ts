// Starts the whole local stack for a test: gateway, queue, worker, log folder. Or takes one that runs already.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { until } from "./until";

const START_MS = 60_000;
// Above the drain limit of the processes.
const STOP_MS = 40_000;

/** A running stack. */
export interface Stack {
  /** The address of the page. */
  readonly page: string;
  /** The folder with the log bucket's objects; undefined for a stack that was not started here. */
  readonly logs: string | undefined;
  /** The address of the embedded SQS and S3; undefined for a stack that was not started here. */
  readonly aws: string | undefined;
  stop(): Promise<void>;
}

/** Whether the tests use a stack that somebody else started (`COMPUTE_PAGE_URL`). */
export const isGiven = process.env["COMPUTE_PAGE_URL"] !== undefined;

/** Whether it is the gateway that serves the page to the tests, and not `dev.mjs` (`COMPUTE_PAGE_DEV`). */
export const isServedByGateway = process.env["COMPUTE_PAGE_DEV"] === undefined;

/** Starts `compute-local` on ports picked by the system, with this many workers, or takes the stack that was given. */
export async function startStack(workers: number): Promise<Stack> {
  const given = process.env["COMPUTE_PAGE_URL"];
  if (given !== undefined) {
    return { page: given, logs: undefined, aws: undefined, stop: async () => {} };
  }
  const folder = await mkdtemp(join(tmpdir(), "compute-page-"));
  const listen = ["--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0"];
  const child = spawn(binary(), [...listen, "--data-dir", folder, "--workers", String(workers)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = async () => {
    await terminate(child);
    await rm(folder, { recursive: true, force: true });
  };
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (err += chunk));
  try {
    const addresses = await until("compute-local prints its addresses", START_MS, async () => {
      if (child.exitCode !== null) {
        throw new Error(`compute-local ended with ${child.exitCode}:\n${out}${err}`);
      }
      const page = /page\s+(http:\S+)/.exec(out)?.[1];
      const logs = /logs\s+(\S+)/.exec(out)?.[1];
      const aws = /aws\s+(http:\S+)/.exec(out)?.[1];
      return page !== undefined && aws !== undefined && logs !== undefined ? { page, aws, logs } : undefined;
    });
    // While the page is worked on, `dist/` is served as it is now, and not as it was when the gateway was built.
    if (!isServedByGateway) {
      const { serve } = (await import(pathToFileURL(resolve("dev.mjs")).href)) as typeof import("../../dev.mjs");
      const dev = await serve(addresses.page);
      return { ...addresses, page: dev.address, stop: () => stop().finally(() => dev.stop()) };
    }
    return { ...addresses, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The log record of an operation, once it is written. */
export async function logRecord(logs: string, operationId: string): Promise<Record<string, unknown>> {
  const path = await until(`the log record of ${operationId} is written`, 30_000, async () => {
    const names = existsSync(logs) ? await readdir(logs, { recursive: true }) : [];
    const name = names.find((name) => basename(name).endsWith(`-${operationId}.json`));
    return name === undefined ? undefined : join(logs, name);
  });
  return JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
}

/** Where `compute-local` is. */
export function binary(): string {
  const target = process.env["CARGO_TARGET_DIR"] ?? "../target";
  const path = process.env["COMPUTE_LOCAL_BIN"] ?? join(target, "debug", "compute-local");
  if (!existsSync(path)) {
    throw new Error(`${path} is missing: build it with cargo build, or set COMPUTE_LOCAL_BIN or COMPUTE_PAGE_URL`);
  }
  return path;
}

/** Where a program is that a test starts beside a stack of its own, and how it finds the stack's SQS and S3. */
export function beside(stack: Stack, program: string): { readonly path: string; readonly env: NodeJS.ProcessEnv } {
  const path = join(dirname(binary()), program);
  if (stack.aws === undefined || !existsSync(path)) {
    throw new Error(`this needs ${path}, and a stack that was started here`);
  }
  const aws = { AWS_ENDPOINT_URL: stack.aws, AWS_REGION: "us-east-1" };
  const credentials = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };
  return { path, env: { ...process.env, ...aws, ...credentials } };
}

/** Ends a process, and waits for that. */
export async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}
