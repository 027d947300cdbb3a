// Reads a list of integers out of whatever people paste. Text in, integers or named problems out.
//
// The rule. Comma, semicolon, ordinary space, tab and line break always separate. A no-break or thin space (U+00A0, U+2009,
// U+202F) is never a separator: between groups of three digits it groups them, at either end of a number it is ignored, and
// anywhere else it makes the number unreadable. One pair of brackets around the whole list is allowed. Everything else must
// be an integer: an optional sign (`+`, `-` or U+2212) and digits, within 64 bits.

import { readInteger, readPlain } from "./integer";
import type { IntegerList } from "./integer-list";
import type { Problem } from "./messages";
import { Pieces } from "./pieces";
import { CONTEXT, type Problems } from "./problems";

/** Smallest and largest integer a list may hold. */
export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

const BRACKETS: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}" };

/** Reads a list in pieces, cut anywhere. A text with nothing but separators is the empty list. */
export class IntegersReader {
  readonly #list: IntegerList;
  readonly #problems: Problems;
  readonly #pieces = new Pieces();
  // Where to go on in the text that is kept; what is before is there to be shown.
  #next = 0;
  #isStarted = false;
  // The bracket that must end the list, and the problem if it does not.
  #closing: string | undefined;
  #unclosed: Problem | undefined;

  constructor(list: IntegerList, problems: Problems) {
    this.#list = list;
    this.#problems = problems;
  }

  /** Reads on. */
  push(piece: string): void {
    const text = this.#pieces.add(piece);
    if (text !== undefined) {
      this.#scan(text, false);
    }
  }

  /** Reads what is left. */
  end(): void {
    this.#scan(this.#pieces.take(), true);
    if (this.#unclosed !== undefined) {
      this.#problems.addFirst(this.#unclosed);
    }
  }

  #scan(text: string, isLast: boolean): void {
    this.#problems.open(text, this.#next);
    let at = this.#isStarted ? this.#next : this.#start(text, isLast);
    while (this.#isStarted && at < text.length) {
      if (isSeparator(text.charCodeAt(at))) {
        at += 1;
        continue;
      }
      let end = at + 1;
      while (end < text.length && !isSeparator(text.charCodeAt(end))) {
        end += 1;
      }
      if (end === text.length && !isLast) {
        break;
      }
      if (!readPlain(text, at, end, this.#list) && !this.#readOther(text, at, end, isLast)) {
        break;
      }
      at = end;
    }
    this.#problems.pass(at);
    const shown = Math.max(0, at - CONTEXT);
    this.#pieces.keep(text.slice(shown));
    this.#next = at - shown;
  }

  // Passes the bracket that opens the list, if there is one. Gives where to go on.
  #start(text: string, isLast: boolean): number {
    const [start] = withoutPadding(text, this.#next, text.length);
    const closing = BRACKETS[text.charAt(start)];
    if (start === text.length || (closing !== undefined && !isLast && !hasContext(text, start + 1))) {
      return start;
    }
    this.#isStarted = true;
    if (closing === undefined) {
      return start;
    }
    this.#closing = closing;
    this.#unclosed = this.#problems.describe(start, start + 1, "unclosed");
    return start + 1;
  }

  // Reads a piece that is not plain. Gives false if more of the text must be known first.
  #readOther(text: string, start: number, end: number, isLast: boolean): boolean {
    let [from, to] = withoutPadding(text, start, end);
    if (from < to && text.charAt(to - 1) === this.#closing) {
      const [following] = withoutPadding(text, to, text.length);
      if (following === text.length) {
        if (!isLast) {
          return false;
        }
        this.#unclosed = undefined;
        [from, to] = withoutPadding(text, from, to - 1);
      }
    }
    if (from === to) {
      return true;
    }
    const reason = readInteger(text.slice(from, to), this.#list);
    if (reason === undefined) {
      return true;
    }
    if (this.#problems.describesNext && !isLast && !hasContext(text, to)) {
      return false;
    }
    this.#problems.add(from, to, reason);
    return true;
  }
}

// Whether the text goes on far enough for the line to be shown.
function hasContext(text: string, end: number): boolean {
  return text.length - end >= CONTEXT;
}

function isSeparator(code: number): boolean {
  // Comma, semicolon, space, tab, line feed, carriage return.
  return code === 0x2c || code === 0x20 || code === 0x0a || code === 0x3b || code === 0x09 || code === 0x0d;
}

// The range less what carries no meaning at its ends: separators, grouping spaces, a byte order mark.
function withoutPadding(text: string, start: number, end: number): [start: number, end: number] {
  const isPadding = (code: number) =>
    isSeparator(code) || code === 0xa0 || code === 0x2009 || code === 0x202f || code === 0xfeff;
  while (start < end && isPadding(text.charCodeAt(start))) {
    start += 1;
  }
  while (end > start && isPadding(text.charCodeAt(end - 1))) {
    end -= 1;
  }
  return [start, end];
}
