// Finds the values in a JSON text that comes in pieces (RFC 8259). Nothing is kept of them: a list of ten million integers is
// read without an object for each, numbers are handed over as they are written, and where they stand is known.

import { Pieces } from "./pieces";
import { CONTEXT, type Problems } from "./problems";

/** The text is not JSON, or is nested too deep. The message says where, and what is wrong. */
export class JsonError extends Error {
  override readonly name = "JsonError";
}

/** How deep arrays and objects may be nested. */
export const MAX_DEPTH = 500;

/** What is told of a text, in its order. Places are in the `text` that is told with them. */
export interface JsonHandler {
  /** An array or an object starts. */
  open(kind: "array" | "object", text: string, start: number): void;
  /** The innermost one ends. */
  close(): void;
  /** The name of the member that follows. */
  key(name: string): void;
  /** A number, a string with its quotes, `true`, `false` or `null`, as written. */
  scalar(text: string, start: number, end: number): void;
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

// What may come next: a value; a value or the end of the array just opened; a name or the end of the object just opened; a name;
// a colon; a comma or the end of what is open; nothing.
type Expected = "value" | "value or end" | "name or end" | "name" | "colon" | "comma or end" | "nothing";

const EXPECTATIONS: Readonly<Record<Expected, string>> = {
  value: "a value",
  "value or end": "a value or ]",
  "name or end": "a name in quotes or }",
  name: "a name in quotes",
  colon: "a colon",
  "comma or end": "a comma or the end of the array or object",
  nothing: "the end of the file",
};

/** Scans a text in pieces, cut anywhere. Throws a `JsonError`. */
export class JsonScanner {
  readonly #handler: JsonHandler;
  readonly #problems: Problems;
  readonly #pieces = new Pieces();
  readonly #open: ("array" | "object")[] = [];
  #expected: Expected = "value";
  // Where to go on in the text that is kept; what is before is there to be shown.
  #next = 0;

  constructor(handler: JsonHandler, problems: Problems) {
    this.#handler = handler;
    this.#problems = problems;
  }

  /** Scans on. */
  push(piece: string): void {
    const text = this.#pieces.add(piece);
    if (text !== undefined) {
      this.#scan(text, false);
    }
  }

  /** Scans what is left. A text with nothing but white space is no JSON, and yet no error: it is empty. */
  end(): void {
    const text = this.#pieces.take();
    const at = this.#scan(text, true);
    if (this.#expected !== "nothing" && !(this.#expected === "value" && this.#open.length === 0)) {
      this.#fail(text, at, at);
    }
  }

  #scan(text: string, isLast: boolean): number {
    this.#problems.open(text, this.#next);
    // What stands last is left for the next time: it may go on, and its line is to be shown.
    const limit = isLast ? text.length : text.length - CONTEXT;
    let at = this.#next;
    while (at < limit) {
      const code = text.charCodeAt(at);
      if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
        at += 1;
        continue;
      }
      const end = endOf(text, at, code);
      if (end === undefined || (end > limit && !isLast)) {
        if (isLast) {
          this.#fail(text, at, text.length, "a string does not end");
        }
        break;
      }
      this.#token(text, at, end, code);
      at = end;
    }
    at = Math.min(at, text.length);
    this.#problems.pass(at);
    const shown = Math.max(0, at - CONTEXT);
    this.#pieces.keep(text.slice(shown));
    this.#next = at - shown;
    return at;
  }

  #token(text: string, start: number, end: number, code: number): void {
    switch (this.#expected) {
      case "value or end":
      case "value":
        if (code === 0x5d && this.#expected === "value or end") {
          this.#close();
        } else {
          this.#value(text, start, end, code);
        }
        return;
      case "name or end":
      case "name":
        if (code === 0x7d && this.#expected === "name or end") {
          this.#close();
        } else if (code === 0x22) {
          this.#handler.key(this.#string(text, start, end));
          this.#expected = "colon";
        } else {
          this.#fail(text, start, end);
        }
        return;
      case "colon":
        this.#require(code === 0x3a, text, start, end);
        this.#expected = "value";
        return;
      case "comma or end":
        if (code === 0x2c) {
          this.#expected = this.#open.at(-1) === "array" ? "value" : "name";
          return;
        }
        this.#require(code === (this.#open.at(-1) === "array" ? 0x5d : 0x7d), text, start, end);
        this.#close();
        return;
      case "nothing":
        this.#fail(text, start, end);
    }
  }

  #value(text: string, start: number, end: number, code: number): void {
    if (code === 0x5b || code === 0x7b) {
      const kind = code === 0x5b ? "array" : "object";
      if (this.#open.length === MAX_DEPTH) {
        this.#fail(text, start, end, `arrays and objects are nested more than ${MAX_DEPTH} deep`);
      }
      this.#open.push(kind);
      this.#handler.open(kind, text, start);
      this.#expected = kind === "array" ? "value or end" : "name or end";
      return;
    }
    if (code === 0x22) {
      this.#string(text, start, end);
    } else {
      this.#require(isPlainNumber(text, start, end) || isWritten(text.slice(start, end)), text, start, end);
    }
    this.#handler.scalar(text, start, end);
    this.#afterValue();
  }

  #close(): void {
    this.#open.pop();
    this.#handler.close();
    this.#afterValue();
  }

  #afterValue(): void {
    this.#expected = this.#open.length === 0 ? "nothing" : "comma or end";
  }

  #string(text: string, start: number, end: number): string {
    try {
      return JSON.parse(text.slice(start, end)) as string;
    } catch {
      return this.#fail(text, start, end, "a string has an unknown escape, or a control character");
    }
  }

  #require(condition: boolean, text: string, start: number, end: number): void {
    if (!condition) {
      this.#fail(text, start, end);
    }
  }

  #fail(text: string, start: number, end: number, what?: string): never {
    const { line, column, excerpt } = this.#problems.describe(start, end, "not-integer");
    const found =
      start === text.length ? "the file ends" : `“${excerpt.text.slice(excerpt.start, excerpt.end)}” is found`;
    throw new JsonError(
      `line ${line}, column ${column}: ${what ?? `${EXPECTATIONS[this.#expected]} is missing; ${found}`}`,
    );
  }
}

// Where the token ends that starts here. Undefined: it is a string that does not end in this text.
function endOf(text: string, start: number, code: number): number | undefined {
  if (code === 0x22) {
    return endOfString(text, start);
  }
  if (isPunctuation(code)) {
    return start + 1;
  }
  let end = start + 1;
  while (end < text.length && !isDelimiter(text.charCodeAt(end))) {
    end += 1;
  }
  return end;
}

function endOfString(text: string, start: number): number | undefined {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = quote;
    while (text.charCodeAt(slashes - 1) === 0x5c) {
      slashes -= 1;
    }
    if ((quote - slashes) % 2 === 0) {
      return quote + 1;
    }
  }
  return undefined;
}

// Comma, colon, brackets and braces.
function isPunctuation(code: number): boolean {
  return code === 0x2c || code === 0x3a || code === 0x5b || code === 0x5d || code === 0x7b || code === 0x7d;
}

function isDelimiter(code: number): boolean {
  return isPunctuation(code) || code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09 || code === 0x22;
}

// Whether this is an integer as nearly all are: digits after a sign or none, and no zero before them.
function isPlainNumber(text: string, start: number, end: number): boolean {
  const first = text.charCodeAt(start) === 0x2d ? start + 1 : start;
  for (let at = first; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x30 || code > 0x39) {
      return false;
    }
  }
  return first < end && text.charCodeAt(first) !== 0x30;
}

function isWritten(value: string): boolean {
  return value === "true" || value === "false" || value === "null" || NUMBER.test(value);
}
