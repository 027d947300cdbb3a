// What went wrong with a call, as plain data: it crosses from the reading thread to the page, which an error with its
// details would not.

import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb";
import { milliseconds } from "../plain";

/** A call that failed. */
export interface Failure {
  /** The gRPC code. It may be one that this page does not know. Undefined: no gRPC answer came. */
  readonly code: Code | undefined;
  /** Why, as a word that programs read: `NO_WORKER`, or one of `PageReason`. Empty if nobody says. */
  readonly reason: string;
  /** Why, in the gateway's words. They are English. */
  readonly message: string;
  /** The operation, if the gateway named one: its result may come yet. */
  readonly operationId: string | undefined;
  /** The trace that the call began, if it was sent with one. */
  readonly traceId?: string;
  /** Whether the gateway says that the operation goes on, although nobody waits for it any more. */
  readonly goesOn?: boolean;
  /** When to try again, if the gateway says so. */
  readonly retryAfterMs: number | undefined;
  /** What is wrong with the request, field by field. */
  readonly violations: readonly Violation[];
}

/** A field of a request that has not what it may have. */
export interface Violation {
  /** Its path: `values`, `quantiles[1]`, `histogram.bins`. */
  readonly field: string;
  /** What is wrong, in the gateway's words. */
  readonly description: string;
}

/** What this page finds out by itself; the gateway's reasons are in `gateway/src/status.rs`. */
export type PageReason =
  /** What answered is no gateway, but something on the way to it. */
  | "NO_GRPC_ANSWER"
  /** The answer has no statistics. */
  | "ANSWER_INCOMPLETE"
  /** The address of the page asks for a time that cannot be read. */
  | "ADDRESS_UNREADABLE"
  /** The page itself is at fault. */
  | "PAGE_FAILED";

/** A failure that this page found out by itself. */
export function pageFailure(reason: PageReason, message: string, operationId?: string): Failure {
  return { code: undefined, reason, message, operationId, retryAfterMs: undefined, violations: [] };
}

// The domain of the gateway's reasons.
const DOMAIN = "compute.v1";

/** What an error says. */
export function failureOf(thrown: unknown): Failure {
  const error = ConnectError.from(thrown);
  const [info] = error.findDetails(ErrorInfoSchema);
  const ours = info?.domain === DOMAIN ? info : undefined;
  const [retry] = error.findDetails(RetryInfoSchema);
  const delay = retry?.retryDelay;
  const goesOn = ours?.metadata["finish_late"];
  return {
    ...(error.metadata.has("grpc-status") ? answer(error) : noAnswer(error)),
    ...(ours === undefined ? {} : { reason: ours.reason }),
    ...(goesOn === undefined ? {} : { goesOn: goesOn === "true" }),
    // Sent in the headers and again in the trailers, an entry comes twice, joined by a comma.
    operationId: error.metadata.get("operation-id")?.split(", ")[0],
    retryAfterMs: delay === undefined ? retryAfter(error.metadata) : milliseconds(delay),
    violations: error
      .findDetails(BadRequestSchema)
      .flatMap((badRequest) => badRequest.fieldViolations)
      .map(({ field, description }) => ({ field, description })),
  };
}

type Cause = Pick<Failure, "code" | "reason" | "message">;

// The client makes INTERNAL of a code that it does not know.
function answer({ code, rawMessage, metadata }: ConnectError): Cause {
  const [, unknown] = /^invalid grpc-status: (\d+)$/.exec(rawMessage) ?? [];
  return unknown === undefined
    ? { code, reason: "", message: rawMessage }
    : { code: Number(unknown) as Code, reason: "", message: decoded(metadata.get("grpc-message") ?? "") };
}

// Without a status the error is the client's own, and its code often says less than its cause.
function noAnswer(error: ConnectError): Cause {
  const { code, rawMessage: message } = error;
  // The Fetch standard reports every network error as a TypeError, which the transport wraps.
  if (error.cause instanceof TypeError) {
    return { code: undefined, reason: "", message };
  }
  if (message === "HTTP 413") {
    return { code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE", message };
  }
  if (OF_HTTP.has(message) || code === Code.DeadlineExceeded || code === Code.Canceled) {
    return { code, reason: "", message };
  }
  return { code: undefined, reason: "NO_GRPC_ANSWER", message };
}

// What a proxy may say in plain HTTP in the place of a gateway; the client has a code for each that fits.
const OF_HTTP: ReadonlySet<string> = new Set([401, 403, 429, 502, 503, 504].map((status) => `HTTP ${status}`));

// Proxies say in HTTP's own header when to try again: in seconds, or by a date, which is not worth reading.
function retryAfter(headers: Headers): number | undefined {
  const seconds = headers.get("retry-after") ?? "";
  return /^\d{1,5}$/.test(seconds) ? Number(seconds) * 1_000 : undefined;
}

function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
