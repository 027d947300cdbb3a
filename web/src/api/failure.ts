// What went wrong with a call, as plain data: it crosses from the reading thread to the page, which an error with its
// details would not.

import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb";
import { milliseconds } from "../plain";

/** A call that failed. */
export interface Failure {
  /** The gRPC code. It may be one that this page does not know. Undefined: no gRPC answer came. */
  readonly code: Code | undefined;
  /** Why, as a word that programs read: `NO_WORKER`. Empty if the gateway does not say. */
  readonly reason: string;
  /** Why, in the gateway's words. They are English. */
  readonly message: string;
  /** The operation, if the gateway named one: its result may come yet. */
  readonly operationId: string | undefined;
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

// The domain of the gateway's reasons.
const DOMAIN = "compute.v1";

/** What an error says. */
export function failureOf(thrown: unknown): Failure {
  const error = ConnectError.from(thrown);
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const delay = retry?.retryDelay;
  return {
    code: isConnectionFailure(error) ? undefined : error.code,
    reason: info?.domain === DOMAIN ? info.reason : "",
    message: error.rawMessage,
    // Sent in the headers and again in the trailers, an entry comes twice, joined by a comma.
    operationId: error.metadata.get("operation-id")?.split(", ")[0],
    retryAfterMs: delay === undefined ? undefined : milliseconds(delay),
    violations: error
      .findDetails(BadRequestSchema)
      .flatMap((badRequest) => badRequest.fieldViolations)
      .map(({ field, description }) => ({ field, description })),
  };
}

// The Fetch standard reports every network error as a TypeError, which the transport wraps.
function isConnectionFailure(error: ConnectError): boolean {
  return error.code === Code.Unknown && error.cause instanceof TypeError;
}
