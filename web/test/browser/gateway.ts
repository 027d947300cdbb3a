// Starts a gateway of its own at the queue of a stack: with limits that a test can reach, and an admin port to look into it.

import { spawn } from "node:child_process";
import { beside, terminate, type Stack } from "./stack";
import { until } from "./until";

const START_MS = 60_000;

/** A running gateway. */
export interface Gateway {
  /** Its address, with its own page. */
  readonly address: string;
  /** The value of a metric, such as `compute_gateway_waiters`. */
  metric(name: string): Promise<number>;
  /** What it has logged so far: a JSON object a line. */
  log(): string;
  /** Tells it to end, as a deployment does. Done when it has ended. */
  stop(): Promise<void>;
}

/** Starts `compute-gateway` with these flags at the embedded SQS and S3 of a stack that was started here. */
export async function startGateway(stack: Stack, ...flags: string[]): Promise<Gateway> {
  const { path, env } = beside(stack, "compute-gateway");
  const listen = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json"];
  const queue = ["--request-queue", "compute-requests", "--log-bucket", "compute-logs"];
  const child = spawn(path, [...listen, ...queue, ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env,
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (log += chunk));
  const stop = () => terminate(child);
  // The address in the line of the log that says this.
  const addressOf = (message: string) =>
    log
      .split("\n")
      .filter((line) => line.includes(`"${message}"`))
      .map((line) => /"address":"([^"]+)"/.exec(line)?.[1])[0];
  try {
    return await until("the gateway is ready", START_MS, async () => {
      if (child.exitCode !== null) {
        throw new Error(`compute-gateway ended with ${child.exitCode}:\n${log}`);
      }
      const [address, admin] = [addressOf("ready"), addressOf("the admin port listens")];
      if (address === undefined || admin === undefined) {
        return undefined;
      }
      return {
        address: `http://${address}/`,
        metric: (name) => metric(`http://${admin}/metrics`, name),
        log: () => log,
        stop,
      };
    });
  } catch (error) {
    await stop();
    throw error;
  }
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(url)).text();
  const line = text.split("\n").find((line) => line.startsWith(`${name} `));
  if (line === undefined) {
    throw new Error(`there is no metric ${name}:\n${text}`);
  }
  return Number(line.slice(name.length + 1));
}
