// The texts of all errors.

import type { Code } from "@connectrpc/connect";
import { words } from "../language/language";
import { EN } from "./errors.en";
import { FR } from "./errors.fr";

/** What happened, in a few words, and what it means and what to do, in a sentence or two. */
export type ErrorText = readonly [title: string, sentence: string];

/** The texts of one language. */
export interface ErrorTexts {
  /** By the reason in the error's `ErrorInfo`, or the page's own. */
  readonly reasons: Readonly<Record<string, ErrorText>>;
  /** By code, for errors with a reason that this page does not know, or with none. */
  readonly codes: Readonly<Record<Code, ErrorText>>;
  /** A deadline that passed. `goesOn`: the work goes on, and the result will be in the log. */
  readonly deadline: (timeout: string | undefined, goesOn: boolean) => ErrorText;
  readonly unreachable: ErrorText;
  readonly offline: ErrorText;
  readonly unknownCode: (code: number) => ErrorText;
}

export const errorWords = words<ErrorTexts>({ en: EN, fr: FR });
