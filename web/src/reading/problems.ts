// The pieces of a text that are not integers, and where they stand.

import { visible } from "../plain";
import type { Problem, Reason } from "./messages";

/** At most this many problems are described; the others are only counted. */
export const MAX_PROBLEMS = 5;

/** So many UTF-16 code units on either side of a piece are enough to show the line that it is in. */
export const CONTEXT = 40;

// Of a long piece its beginning is told.
const MAX_TOKEN = 100;

/** A place in a text. */
export interface Place {
  /** In UTF-16 code units, from 0. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
  /** In code points, from 1. */
  readonly column: number;
}

/** Collects problems in the order of the text, which may come in parts. */
export class Problems {
  readonly #problems: Problem[] = [];
  #count = 0;
  #text = "";
  #at = 0;
  #offset = 0;
  #line = 1;
  #column = 1;
  #isAfterReturn = false;

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Whether the next problem would be described, and not only counted. */
  get describesNext(): boolean {
    return this.#problems.length < MAX_PROBLEMS;
  }

  /** The first problems, and how many more there are. */
  get found(): { readonly problems: readonly Problem[]; readonly more: number } {
    return { problems: this.#problems, more: this.#count - this.#problems.length };
  }

  /** Goes on in this text. What is before `at` was passed already, and is there to be shown. */
  open(text: string, at: number): void {
    this.#text = text;
    this.#at = at;
  }

  /** Passes what is before `at`, and gives the place of it. */
  pass(at: number): Place {
    for (; this.#at < at; this.#at += 1) {
      this.#step(this.#text.charCodeAt(this.#at));
    }
    return { offset: this.#offset, line: this.#line, column: this.#column };
  }

  /** Adds the piece from `start` to `end`, which is behind all that were added before. */
  add(start: number, end: number, reason: Reason): void {
    this.#count += 1;
    if (this.describesNext) {
      this.#problems.push(this.describe(start, end, reason));
    }
  }

  /** Adds one that was described before, and stands before all others. */
  addFirst(problem: Problem): void {
    this.#count += 1;
    this.#problems.unshift(problem);
    this.#problems.splice(MAX_PROBLEMS);
  }

  /** Describes a piece without adding it. */
  describe(start: number, end: number, reason: Reason): Problem {
    const place = this.pass(start);
    const token = beginning(this.#text.slice(start, Math.min(end, start + MAX_TOKEN + 1)), MAX_TOKEN);
    return { token, reason, length: end - start, ...place, excerpt: excerpt(this.#text, start, end) };
  }

  #step(code: number): void {
    this.#offset += 1;
    if (code === 0x0a) {
      this.#line += this.#isAfterReturn ? 0 : 1;
      this.#column = 1;
    } else if (code === 0x0d) {
      this.#line += 1;
      this.#column = 1;
    } else if (!(isLowSurrogate(code) && this.#isAfterHighSurrogate())) {
      this.#column += 1;
    }
    this.#isAfterReturn = code === 0x0d;
  }

  // A text is never cut inside of a piece, and so never between the halves of a character.
  #isAfterHighSurrogate(): boolean {
    return this.#at > 0 && isHighSurrogate(this.#text.charCodeAt(this.#at - 1));
  }
}

// The line around a piece, fit to be shown.
function excerpt(text: string, start: number, end: number): Problem["excerpt"] {
  const near = text.slice(Math.max(0, start - CONTEXT), start);
  const lineBefore = near.slice(Math.max(near.lastIndexOf("\n"), near.lastIndexOf("\r")) + 1);
  const isLineCut = lineBefore.length === near.length && near.length === CONTEXT;
  const lineAfter = /^[^\r\n]*/.exec(text.slice(end, end + CONTEXT))?.[0] ?? "";
  // Half a character at a cut is left out.
  const before = (isLineCut ? "…" : "") + spaced(lineBefore.replace(/^[\udc00-\udfff]/, ""));
  const token = visible(text.slice(start, Math.min(end, start + MAX_TOKEN)));
  const after = spaced(lineAfter.replace(/[\ud800-\udbff]$/, "")) + (lineAfter.length === CONTEXT ? "…" : "");
  return { text: before + token + after, start: before.length, end: before.length + token.length };
}

// Only what would reorder or hide the text around it is spelled out: spaces of all kinds are as common there as digits.
function spaced(text: string): string {
  return text.replace(/\s/g, " ").replace(/[^ ]+/g, (word) => visible(word, CONTEXT));
}

function beginning(text: string, limit: number): string {
  return text.length <= limit ? text : text.slice(0, limit).replace(/[\ud800-\udbff]$/, "");
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
