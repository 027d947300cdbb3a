// Reads a list of integers out of whatever people paste. Pure: text in, integers or named problems out.
//
// The rule. Comma, semicolon, ordinary space, tab and line break always separate. A no-break or thin space (U+00A0, U+2009,
// U+202F) is never a separator: between groups of three digits it groups them, at either end of a number it is ignored, and
// anywhere else it makes the number unreadable. One pair of brackets around the whole list is allowed. Everything else must
// be an integer: an optional sign (`+`, `-` or U+2212) and digits, within 64 bits.

/** Smallest and largest integer a list may hold. */
export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/** At most this many problems are described; the others are only counted. */
export const MAX_PROBLEMS = 5;

/** A piece of the text that is not an integer. */
export interface Problem {
  /** The piece as written. */
  readonly token: string;
  /** What is wrong with it, to follow the token in a sentence: "is a decimal, …". */
  readonly reason: string;
  /** Where it starts in the text, in UTF-16 code units from 0, as a text field's selection counts. */
  readonly offset: number;
  /** Line, from 1. */
  readonly line: number;
  /** Column in characters (code points), from 1. */
  readonly column: number;
}

/** The integers, or why there are none: the first problems in the order of the text, and how many more there are. */
export type Parsed =
  | { readonly ok: true; readonly values: bigint[] }
  | { readonly ok: false; readonly problems: Problem[]; readonly more: number };

/** Reads a list of integers. A text with nothing but separators is the empty list. */
export function parseIntegers(text: string): Parsed {
  const values: bigint[] = [];
  const bad: Omit<Problem, "line" | "column">[] = [];
  let badCount = 0;
  const reject = (token: string, offset: number, reason: string) => {
    badCount += 1;
    if (bad.length < MAX_PROBLEMS) {
      bad.push({ token, offset, reason });
    }
  };

  let [at, end] = withoutPadding(text, 0, text.length);
  const closing = BRACKETS[text.charAt(at)];
  if (at < end && closing !== undefined) {
    if (end - at > 1 && text.charAt(end - 1) === closing) {
      at += 1;
      end -= 1;
    } else {
      reject(text.charAt(at), at, `is not closed: the list does not end with ${closing}`);
      at += 1;
    }
  }

  while (at < end) {
    if (isSeparator(text.charCodeAt(at))) {
      at += 1;
      continue;
    }
    const start = at;
    while (at < end && !isSeparator(text.charCodeAt(at))) {
      at += 1;
    }
    const short = readShort(text, start, at);
    if (short !== undefined) {
      values.push(BigInt(short));
      continue;
    }
    const [from, to] = withoutPadding(text, start, at);
    if (from === to) {
      continue;
    }
    const token = text.slice(from, to);
    const read = readToken(token);
    if (typeof read === "bigint") {
      values.push(read);
    } else {
      reject(token, from, read);
    }
  }

  if (badCount === 0) {
    return { ok: true, values };
  }
  return { ok: false, problems: located(text, bad), more: badCount - bad.length };
}

/** The problem as a sentence without a full stop: `“4.5” on line 1, column 4 is a decimal; …`. */
export function describeProblem(problem: Problem): string {
  return `“${visible(problem.token)}” on line ${problem.line}, column ${problem.column} ${problem.reason}`;
}

/** The text shortened to what fits a sentence, with invisible characters spelled out as U+XXXX. */
export function visible(text: string, limit = 40): string {
  const characters = Array.from(text.slice(0, 2 * limit + 2));
  const kept = characters.length > limit ? [...characters.slice(0, limit), "…"] : characters;
  return kept.join("").replace(/[\p{C}\p{Z}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return character === " " ? " " : `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}

const BRACKETS: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}" };

const DIGIT_GROUPS = /^[+\-\u2212]?[1-9]\d{0,2}(?:[\u00a0\u2009\u202f]\d{3})+$/;
const GROUPING_SPACE = /[\u00a0\u2009\u202f]/;
const INTEGER = /^([+\-\u2212]?)(\d+)$/;
// Zeros before another digit. Not a part of INTEGER: a million zeros and a letter could be divided between the two in a
// million ways, and each would be tried.
const LEADING_ZEROS = /^0+(?=\d)/;

// A number of up to 15 digits is exact in a double; nearly all are that short, and reading them so is what lets a list of a
// million be read while somebody types.
const SHORT_DIGITS = 15;

function readShort(text: string, start: number, end: number): number | undefined {
  const first = text.charCodeAt(start);
  const negative = first === 0x2d || first === 0x2212;
  const digits = negative || first === 0x2b ? start + 1 : start;
  if (digits === end || end - digits > SHORT_DIGITS) {
    return undefined;
  }
  let magnitude = 0;
  for (let at = digits; at < end; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) {
      return undefined;
    }
    magnitude = magnitude * 10 + digit;
  }
  return negative ? -magnitude : magnitude;
}

// The integer, or what is wrong.
function readToken(token: string): bigint | string {
  const plain = DIGIT_GROUPS.test(token) ? token.replace(/[\u00a0\u2009\u202f]/g, "") : token;
  const match = INTEGER.exec(plain);
  if (match === null) {
    return reasonAgainst(token);
  }
  const [, sign = "", written = ""] = match;
  const digits = written.replace(LEADING_ZEROS, "");
  // 19 digits hold every 64-bit integer; longer ones need not be converted to be refused.
  if (digits.length <= 19) {
    const magnitude = BigInt(digits);
    const value = sign === "-" || sign === "\u2212" ? -magnitude : magnitude;
    if (value >= INT64_MIN && value <= INT64_MAX) {
      return value;
    }
  }
  return `is beyond 64 bits; integers reach from ${INT64_MIN} to ${INT64_MAX}`;
}

function reasonAgainst(token: string): string {
  if (GROUPING_SPACE.test(token)) {
    return "has a no-break or thin space that does not separate groups of three digits";
  }
  if (/^[+\-\u2212]?(?:\d+\.\d*|\.\d+)$/.test(token)) {
    return "is a decimal; only integers are accepted";
  }
  if (/^[+\-\u2212]?[\d.]+e[+\-\u2212]?\d+$/i.test(token)) {
    return "has an exponent; write all its digits";
  }
  if (/[[\](){}]/.test(token)) {
    return "has a bracket; only one pair around the whole list is accepted";
  }
  return "is not an integer";
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

// Adds line and column, in one pass over the text; `bad` is in the order of the text.
function located(text: string, bad: readonly Omit<Problem, "line" | "column">[]): Problem[] {
  const lineBreak = /\r\n|\r|\n/g;
  let line = 1;
  let lineStart = 0;
  let next = lineBreak.exec(text);
  return bad.map((problem) => {
    while (next !== null && next.index < problem.offset) {
      line += 1;
      lineStart = lineBreak.lastIndex;
      next = lineBreak.exec(text);
    }
    const column = Array.from(text.slice(lineStart, problem.offset)).length + 1;
    return { ...problem, line, column };
  });
}
