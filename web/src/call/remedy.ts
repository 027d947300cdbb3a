// What can be done about a call that failed.

import { Code } from "@connectrpc/connect";
import type { Failure } from "../api/failure";

/**
 * `retry`: the same call may succeed. `token`: it needs another token. `reload`: page and gateway are of different versions.
 * `none`: the same call fails again, and the list or the options have to change.
 */
export type Remedy = "retry" | "token" | "reload" | "none";

/** What to do about a failure. */
export function remedyOf({ code, reason, retryAfterMs }: Failure): Remedy {
  if (retryAfterMs !== undefined) {
    return "retry";
  }
  return REASONS[reason] ?? (code === undefined ? "retry" : (CODES[code] ?? (code in Code ? "retry" : "reload")));
}

/** Whether the result of the operation may be had later: the call has ended, the work goes on. */
export function comesLater({ code, goesOn, operationId }: Failure): boolean {
  return operationId !== undefined && (code === undefined || (code === Code.DeadlineExceeded && goesOn === true));
}

/** Whether nothing is broken: it passes by itself, or the gateway only wants to know who calls. */
export function isPassing(failure: Failure): boolean {
  return comesLater(failure) || failure.retryAfterMs !== undefined || failure.code === Code.Unauthenticated;
}

/**
 * Whether the call may be made again and again by itself. Not what comes later anyway, and not what a worker fails at, which
 * it would fail at again.
 */
export function mayRepeat(failure: Failure): boolean {
  const { code, retryAfterMs } = failure;
  const isAway = code === undefined || code === Code.Unavailable;
  return remedyOf(failure) === "retry" && !comesLater(failure) && (isAway || retryAfterMs !== undefined);
}

const REASONS: Readonly<Record<string, Remedy>> = {
  MESSAGE_TOO_LARGE: "none",
  TOO_MANY_VALUES: "none",
  RECORD_UNREADABLE: "none",
  ADDRESS_UNREADABLE: "none",
  ANSWER_INCOMPLETE: "reload",
  MALFORMED_MESSAGE: "reload",
};

const CODES: Readonly<Partial<Record<Code, Remedy>>> = {
  [Code.InvalidArgument]: "none",
  [Code.NotFound]: "none",
  [Code.AlreadyExists]: "none",
  [Code.PermissionDenied]: "token",
  [Code.FailedPrecondition]: "none",
  [Code.OutOfRange]: "none",
  [Code.Unimplemented]: "reload",
  [Code.Unauthenticated]: "token",
};
