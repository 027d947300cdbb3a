// The journey of a call: where its time went, part by part.

import type { Duration } from "@bufbuild/protobuf/wkt";
import { milliseconds } from "../plain";
import type { Outcome } from "./outcome";

export type PartName = "network" | "gateway" | "request-queue" | "work" | "reply-queue";

export interface Part {
  readonly name: PartName;
  readonly ms: number;
}

export interface Journey {
  /** Only the parts that are known, in the order of the way. */
  readonly parts: readonly Part[];
  /** The whole, of which the parts are parts. */
  readonly totalMs: number;
  /** The part of the work that was computing. */
  readonly computeMs: number | undefined;
  /** The part that took the most; undefined if all are 0 or there is but one. */
  readonly longest: Part | undefined;
}

/**
 * The journey of a call. Undefined if nothing is known of it.
 *
 * The way between browser and gateway is what the browser's time has more than the gateway's: two durations, each by one clock.
 */
export function journeyOf({ timing, roundTripMs }: Pick<Outcome, "timing" | "roundTripMs">): Journey | undefined {
  const gatewayTotalMs = known(timing?.total);
  const gatewayMs = known(timing?.gateway);
  const parts: [PartName, number | undefined][] = [
    // Without the gateway's part, the others would not add up to the whole.
    ["network", gatewayMs === undefined ? undefined : networkMs(roundTripMs, gatewayTotalMs)],
    ["gateway", gatewayMs],
    ["request-queue", known(timing?.requestQueue)],
    ["work", known(timing?.work)],
    ["reply-queue", known(timing?.replyQueue)],
  ];
  const told = parts.flatMap(([name, ms]) => (ms === undefined ? [] : [{ name, ms }]));
  const sum = told.reduce((sum, { ms }) => sum + ms, 0);
  const totalMs = roundTripMs === undefined ? (gatewayTotalMs ?? sum) : Math.max(roundTripMs, gatewayTotalMs ?? 0);
  if (told.length === 0 && totalMs === 0) {
    return undefined;
  }
  const longest = told.find(({ ms }) => ms > 0 && told.every((other) => other.ms <= ms));
  return {
    parts: told,
    totalMs,
    computeMs: known(timing?.compute),
    longest: told.length > 1 ? longest : undefined,
  };
}

function networkMs(roundTripMs: number | undefined, gatewayTotalMs: number | undefined): number | undefined {
  if (roundTripMs === undefined || gatewayTotalMs === undefined) {
    return undefined;
  }
  return Math.max(0, roundTripMs - gatewayTotalMs);
}

// Clocks that were set back must not make a bar of negative length.
function known(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : Math.max(0, milliseconds(duration));
}
