// What each error means to a person, in English.

import { Code } from "@connectrpc/connect";
import type { ErrorTexts } from "./error-words";

export const EN: ErrorTexts = {
  reasons: {
    INVALID_REQUEST: [
      "The request was not accepted",
      "Something in it is not within its limits. Correct it, then compute again.",
    ],
    MALFORMED_MESSAGE: [
      "The gateway cannot read the request",
      "This page is probably older or newer than the gateway. Reload it, then try again.",
    ],
    MESSAGE_TOO_LARGE: [
      "The list is too large",
      "It is larger than the gateway takes in one call. Compute it in parts, or send it from a program with ComputeStream.",
    ],
    TOO_MANY_VALUES: [
      "The list is too long",
      "It holds more integers than the workers take. Compute it in parts, or ask the operator for a higher limit.",
    ],
    MEMORY_EXHAUSTED: [
      "No room at the moment",
      "Other lists take up the gateway’s memory. There is room for yours as soon as they are done.",
    ],
    TOO_MANY_IN_FLIGHT: [
      "Too many calls at once",
      "The gateway has as many calls under way as it takes. Yours was not sent on; there is room again when one of them is done.",
    ],
    TOO_MANY_OF_TENANT: [
      "Too many of your calls at once",
      "As many of your own calls are under way as the gateway takes from one caller. This one was not sent on.",
    ],
    OVERLOADED: [
      "The queue is long",
      "All workers are busy, and the call would have waited longer than it can. It was not put into the queue.",
    ],
    WORKER_EXHAUSTED: ["The worker has no room", "The worker that took the list has no room for it at the moment."],
    OPERATION_ID_TAKEN: [
      "The operation belongs to another list",
      "The gateway knows this operation already, with another request.",
    ],
    OPERATION_ID_BUSY: ["The operation cannot be started", "Its id is in use. Trying again takes another one."],
    NOT_RECORDED_YET: [
      "Nothing is known of it yet",
      "The operation is young enough to be on its way still. Look again in a moment.",
    ],
    OPERATION_NOT_FOUND: [
      "There is no such operation",
      "The log has no operation with this id, or it was removed from the log long ago.",
    ],
    STREAM_STALLED: ["The connection stood still", "The gateway waited for the list, and nothing came for too long."],
    PAYLOAD_UNAVAILABLE: [
      "The list cannot be handed over",
      "Large lists go through Amazon S3, which the gateway cannot reach at the moment. This usually passes.",
    ],
    QUEUE_UNAVAILABLE: [
      "The queue cannot be reached",
      "The gateway could not put the list into its queue at Amazon SQS. This usually passes.",
    ],
    LOG_UNAVAILABLE: [
      "The log cannot be read",
      "Operations are kept in Amazon S3, which the gateway cannot reach at the moment. This usually passes.",
    ],
    NO_WORKER: [
      "No worker answers",
      "None has answered for some time: probably none is running. Your list stays here; try again when one is back.",
    ],
    WORKER_UNAVAILABLE: [
      "The worker is not available",
      "The worker that took the list could not do its work. Another one may.",
    ],
    SHUTTING_DOWN: [
      "The gateway is shutting down",
      "It is being stopped or replaced. Another gateway usually takes over within moments.",
    ],
    METHOD_UNKNOWN_TO_WORKER: [
      "The worker does not know this call",
      "Gateway and workers are of different versions. Tell the operator.",
    ],
    PAYLOAD_LOST: [
      "The list was lost on its way",
      "It was gone from Amazon S3 before a worker could read it. Trying again sends it anew.",
    ],
    WORKER_FAILED: [
      "The computation failed",
      "A worker took the list and could not finish. If it happens again, report it with the operation’s id.",
    ],
    MALFORMED_REPLY: [
      "The worker’s answer cannot be read",
      "Gateway and worker are probably of different versions. If it happens again, report it with the operation’s id.",
    ],
    RECORD_UNREADABLE: ["The record is damaged", "The log has this operation, but its record cannot be read."],
    GATEWAY_FAILED: [
      "The gateway failed",
      "It made a mistake of its own. If it happens again, report it with the operation’s id.",
    ],
    NO_GRPC_ANSWER: [
      "That was not the gateway",
      "Something between this page and the gateway answered in its place: a proxy, or a sign-in page. Reload the page if you have to sign in.",
    ],
    ANSWER_INCOMPLETE: [
      "The answer holds no statistics",
      "This page and the gateway are of different versions. Reload the page, then try again.",
    ],
    ADDRESS_UNREADABLE: [
      "The address of this page cannot be read",
      "It asks for a time limit that is none. Write a duration such as ?timeout=500ms, 5s or 2m, at most 15m.",
    ],
    PAGE_FAILED: [
      "This page made a mistake",
      "The call was not finished. Try again; if that does not help, reload the page.",
    ],
  },
  codes: {
    [Code.Canceled]: ["The call was cancelled", "It was ended on its way before an answer came."],
    [Code.Unknown]: ["It failed without a reason", "The gateway does not say what went wrong."],
    [Code.InvalidArgument]: [
      "The request was not accepted",
      "Something in it is not as it must be. Correct it, then compute again.",
    ],
    [Code.DeadlineExceeded]: ["No answer in time", "The time for this call ran out before it was done."],
    [Code.NotFound]: ["Not found", "The gateway does not know what was asked for."],
    [Code.AlreadyExists]: ["It exists already", "The gateway already has what this call would have made."],
    [Code.PermissionDenied]: [
      "Not allowed",
      "The gateway knows who you are, but you may not do this. Another token may be allowed to.",
    ],
    [Code.ResourceExhausted]: [
      "Too much at once",
      "The service has as much in hand as it takes, or less room than this list needs.",
    ],
    [Code.FailedPrecondition]: ["Not possible now", "The service is not in a state in which this call can succeed."],
    [Code.Aborted]: ["The call was interrupted", "Another one got in its way."],
    [Code.OutOfRange]: ["Beyond the limits", "Something in the request is larger than the gateway takes."],
    [Code.Unimplemented]: [
      "The gateway does not know this call",
      "This page and the gateway are of different versions, or this address is not a gateway. Reload the page.",
    ],
    [Code.Internal]: [
      "Something broke",
      "The gateway took the list, but failed behind it. If it happens again, report it with the operation’s id.",
    ],
    [Code.Unavailable]: [
      "The service is not available",
      "The gateway is being started or stopped, or does not reach what is behind it. This usually passes.",
    ],
    [Code.DataLoss]: ["Data was lost", "Something was damaged or lost on its way and cannot be recovered."],
    [Code.Unauthenticated]: ["A token is needed", "The gateway wants a token, and this page has none that it accepts."],
  },
  deadline: (timeout, goesOn) => [
    timeout === undefined ? "No answer in time" : `No answer within ${timeout}`,
    goesOn
      ? "Nothing is lost: the work goes on, and its result will be in the log."
      : "The call was given up. Either the workers are busy, or the way to the gateway is slow.",
  ],
  unreachable: [
    "The gateway cannot be reached",
    "The connection failed before an answer came. Your list stays here; try again when the gateway is back.",
  ],
  offline: ["You are offline", "This device has no connection. Your list stays here; try again when it is back."],
  unknownCode: (code) => [
    "An error that this page does not know",
    `The gateway answered with code ${code}. It is probably newer than this page: reload the page, then try again.`,
  ],
};
