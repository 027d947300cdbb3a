// Turns a failed call into what a person can understand and act on.

import { Code } from "@connectrpc/connect";
import type { Failure } from "../api/failure";
import { duration } from "../language/format";
import { errorWords, type ErrorText } from "./error-words";

/** A failure in words, in the language of the page. */
export interface Explanation {
  /** What happened, in a few words. */
  readonly title: string;
  /** What it means and what to do, in a sentence or two. */
  readonly sentence: string;
  /** The gRPC code by name and number, `DEADLINE_EXCEEDED (4)`. Undefined if no gRPC answer came. */
  readonly code: string | undefined;
}

/** Explains a failure, by its reason if the page knows it, else by its code. `timeoutMs` is what the call had, if it had a limit. */
export function explain(failure: Failure, timeoutMs?: number): Explanation {
  const { code } = failure;
  const [title, sentence] = textOf(failure, timeoutMs);
  return { title, sentence, code: code === undefined ? undefined : codeName(code) };
}

/**
 * The name of a gRPC code as specifications write it, with its number: `INVALID_ARGUMENT (3)`. The number alone, if the code
 * has no name here.
 */
export function codeName(code: number): string {
  const name: string | undefined = Code[code];
  if (name === undefined) {
    return String(code);
  }
  // The specification spells this one name with two l.
  const written = code === Code.Canceled ? "Cancelled" : name;
  return `${written.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase()} (${code})`;
}

function textOf({ code, reason, goesOn }: Failure, timeoutMs: number | undefined): ErrorText {
  const text = errorWords();
  if (code === Code.DeadlineExceeded && (reason === "DEADLINE_EXCEEDED" || reason === "")) {
    return text.deadline(timeoutMs === undefined ? undefined : duration(timeoutMs), goesOn === true);
  }
  const ofReason = Object.hasOwn(text.reasons, reason) ? text.reasons[reason] : undefined;
  if (ofReason !== undefined) {
    return ofReason;
  }
  if (code === undefined) {
    return isOffline() ? text.offline : text.unreachable;
  }
  return text.codes[code] ?? text.unknownCode(code);
}

function isOffline(): boolean {
  return typeof navigator !== "undefined" && navigator.onLine === false;
}
