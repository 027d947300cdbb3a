// Turns the error of a call into what a person can understand and act on.

import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb";
import { formatMilliseconds, milliseconds } from "./format";

/** An error, ready to be shown. */
export interface Explanation {
  /** What happened, in a few words. */
  readonly title: string;
  /** What it means and what to do, in a sentence or two. */
  readonly sentence: string;
  /** The gRPC code by name and number, `DEADLINE_EXCEEDED (4)`; absent if no gRPC answer came. */
  readonly code?: string;
  /** What the gateway said, if anything. */
  readonly message?: string;
  /** The operation, if the gateway named one. */
  readonly operationId?: string;
  /** What is wrong with the request, field by field. */
  readonly violations: readonly { readonly field: string; readonly description: string }[];
}

/** Explains the error of a call that might take `timeoutMs` milliseconds. */
export function explain(error: ConnectError, timeoutMs: number): Explanation {
  if (isConnectionFailure(error)) {
    return {
      title: "The gateway cannot be reached",
      sentence: "The connection failed before an answer came. Check that the gateway is running, then try again.",
      violations: [],
    };
  }
  const [info] = error.findDetails(ErrorInfoSchema);
  const ofReason = info?.domain === DOMAIN ? REASONS[info.reason] : undefined;
  const [title, sentence] = ofReason ?? EXPLANATIONS[error.code];
  // Sent in the headers and again in the trailers, an entry comes twice, joined by a comma.
  const operationId = error.metadata.get("operation-id")?.split(", ")[0];
  const [retry] = error.findDetails(RetryInfoSchema);
  const retryMs = retry?.retryDelay === undefined ? 0 : milliseconds(retry.retryDelay);
  const sentences = [sentence.replace("{timeout}", formatMilliseconds(timeoutMs))];
  if (retryMs > 0) {
    sentences.push(`Try again in ${formatMilliseconds(retryMs)}.`);
  }
  return {
    title,
    sentence: sentences.join(" "),
    code: codeName(error.code),
    ...(error.rawMessage === "" ? {} : { message: error.rawMessage }),
    ...(operationId === undefined ? {} : { operationId }),
    violations: error
      .findDetails(BadRequestSchema)
      .flatMap((badRequest) => badRequest.fieldViolations)
      .map(({ field, description }) => ({ field, description })),
  };
}

/** The name of a gRPC code as specifications write it, with its number: `INVALID_ARGUMENT (3)`. */
export function codeName(code: Code): string {
  // The specification spells this one name with two l.
  const name = code === Code.Canceled ? "Cancelled" : Code[code];
  return `${name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase()} (${code})`;
}

// The Fetch standard reports every network error as a TypeError, which the transport wraps.
function isConnectionFailure(error: ConnectError): boolean {
  return error.code === Code.Unknown && error.cause instanceof TypeError;
}

type Text = readonly [title: string, sentence: string];

// The domain of the gateway's reasons.
const DOMAIN = "compute.v1";

// Reasons that say more than their code.
const REASONS: Readonly<Record<string, Text>> = {
  MESSAGE_TOO_LARGE: [
    "The list is too large",
    "It is larger than the gateway takes. Compute it in parts, or ask the operator for a higher limit.",
  ],
};

const EXPLANATIONS: Readonly<Record<Code, Text>> = {
  [Code.Canceled]: ["The call was cancelled", "It was given up before an answer came."],
  [Code.Unknown]: [
    "The answer cannot be understood",
    "What came back is not the answer of a compute gateway. Something between this page and the gateway may have replaced it.",
  ],
  [Code.InvalidArgument]: [
    "The request was not accepted",
    "Something in it is out of its range; correct it and try again.",
  ],
  [Code.DeadlineExceeded]: [
    "No answer in time",
    "No answer came within {timeout}, so the call was given up. Either all workers are busy or none is running; trying again does no harm.",
  ],
  [Code.NotFound]: ["Not found", "The gateway does not know what was asked for."],
  [Code.AlreadyExists]: ["It exists already", "The gateway already has what this call would have made."],
  [Code.PermissionDenied]: ["Not allowed", "You are known to the gateway, but not allowed to make this call."],
  [Code.ResourceExhausted]: [
    "Too much at once",
    "The service has as much in hand as it takes, or less room than this list needs.",
  ],
  [Code.FailedPrecondition]: ["Not possible now", "The gateway is not in a state in which this call can succeed."],
  [Code.Aborted]: ["The call was interrupted", "Another call got in its way; try again."],
  [Code.OutOfRange]: ["Too large", "The list is larger than the gateway takes."],
  [Code.Unimplemented]: [
    "The gateway does not know this call",
    "Page, gateway and worker are of different versions, or this address is not a compute gateway. Reload the page.",
  ],
  [Code.Internal]: [
    "The computation failed",
    "The gateway took the list, but something went wrong behind it. If it happens again, report it with the operation below.",
  ],
  [Code.Unavailable]: [
    "The service is not available",
    "The gateway is stopping, or cannot reach its queue or any worker. This usually passes.",
  ],
  [Code.DataLoss]: ["Data was lost", "Data was damaged on its way and cannot be recovered."],
  [Code.Unauthenticated]: [
    "Who are you?",
    "The gateway asks for credentials, and none were sent or they are not valid.",
  ],
};
