// What the page and the reading thread tell each other. The list itself stays in the thread: a million integers neither stop
// the page while they are read nor while they are sent.

import type { ComputeResponse } from "../../gen/compute/v1/compute_pb";
import type { Failure } from "../api/failure";

/** Where a list comes from. */
export type Source =
  | { readonly kind: "text"; readonly text: string }
  /** A file. `column` says which of its columns (from 0) or JSON members is the list, once that was asked and answered. */
  | { readonly kind: "file"; readonly file: File; readonly column?: string }
  /** Integers drawn evenly from `min` to `max`, both included. */
  | { readonly kind: "random"; readonly count: number; readonly min: bigint; readonly max: bigint };

/** A list that was read, and is ready to be sent. */
export interface ReadList {
  readonly count: number;
  /** The first values, at most 1,000. */
  readonly first: readonly bigint[];
  readonly last: bigint;
}

/** A piece of the text that is not an integer. */
export interface Problem {
  /** The piece as written; of a long one, its beginning. */
  readonly token: string;
  /** What is wrong. A word of the page's own: its sentence is in `input/words.ts`. */
  readonly reason: Reason;
  /** Where it starts in the text, in UTF-16 code units from 0, as a text field's selection counts. */
  readonly offset: number;
  /** How long it is, in the same units. */
  readonly length: number;
  /** Line, from 1. */
  readonly line: number;
  /** Column in characters (code points), from 1. */
  readonly column: number;
  /**
   * The line around the piece, shortened at both ends if it is long, and where the piece stands in it. It is there to be shown:
   * invisible characters are spelled out.
   */
  readonly excerpt: { readonly text: string; readonly start: number; readonly end: number };
}

/**
 * What is wrong with a piece. `beyond-64-bits`: an integer, but outside of [-2⁶³, 2⁶³). `grouping`: a no-break or thin space that
 * does not separate groups of three digits. `bracket`: one that is not around the whole list. `unclosed`: the list does not end
 * with the bracket that closes this one.
 */
export type Reason = "not-integer" | "decimal" | "exponent" | "beyond-64-bits" | "grouping" | "bracket" | "unclosed";

/** A column of a file that could be the list. */
export interface Column {
  /** What `Source.column` says to choose it. */
  readonly id: string;
  /** Its title, or nothing if the file gives none. */
  readonly title: string;
  /** Its first cells, as written. */
  readonly sample: readonly string[];
  /** Whether its first rows are integers. */
  readonly isIntegers: boolean;
}

/** What came of reading a source. */
export type Reading =
  | { readonly kind: "empty" }
  | { readonly kind: "list"; readonly list: ReadList }
  /** Some pieces are not integers: the first ones, and how many more there are. */
  | { readonly kind: "bad"; readonly problems: readonly Problem[]; readonly more: number }
  /** The file has several columns, and one has to be chosen. */
  | { readonly kind: "columns"; readonly columns: readonly Column[] }
  /** There are more integers than one call may have. */
  | { readonly kind: "too-many"; readonly limit: number }
  /** The file cannot be read, or is not what its name says. `detail` is for the curious, and English. */
  | { readonly kind: "unreadable"; readonly why: "file" | "json" | "encoding"; readonly detail: string };

/** What to compute over the list. */
export interface ComputeOptions {
  /** Those that were asked for, in their order, then the quartiles 0.25 and 0.75 if they are not among them: `withQuartiles`. */
  readonly quantiles: readonly number[];
  /** Bins of the histogram, which is always asked for. */
  readonly bins: number;
}

/** From the page. `id` names the request in all that is said about it. */
export type Request =
  | { readonly id: number; readonly kind: "read"; readonly source: Source }
  /** Sends the list that was read last. */
  | {
      readonly id: number;
      readonly kind: "compute";
      readonly options: ComputeOptions;
      readonly timeoutMs: number;
      readonly token: string | undefined;
      /** The trace that the call begins. */
      readonly traceparent: string;
    }
  /** Gives a request up: a call ends on the wire, too. */
  | { readonly id: number; readonly kind: "cancel" };

/** From the thread. */
export type Reply =
  /** The share of the source that is read, from 0 to 1. */
  | { readonly id: number; readonly kind: "progress"; readonly fraction: number }
  | { readonly id: number; readonly kind: "read"; readonly reading: Reading }
  | { readonly id: number; readonly kind: "computed"; readonly response: ComputeResponse }
  | { readonly id: number; readonly kind: "failed"; readonly failure: Failure }
  /** The request could not be met, for a reason that is a mistake of this page. `detail` is English. */
  | { readonly id: number; readonly kind: "broken"; readonly detail: string };
