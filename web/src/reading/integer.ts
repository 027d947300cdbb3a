// Reads one integer: an optional sign (`+`, `-` or U+2212) and digits, within 64 bits. No-break and thin spaces may group the
// digits by three.

import type { IntegerList } from "./integer-list";
import type { Reason } from "./messages";

// 19 digits hold every 64-bit integer.
const MAX_DIGITS = 19;

const DIGIT_GROUPS = /^[+\-\u2212]?[1-9]\d{0,2}(?:[\u00a0\u2009\u202f]\d{3})+$/;
const GROUPING_SPACE = /[\u00a0\u2009\u202f]/;
const INTEGER = /^([+\-\u2212]?)(\d+)$/;
// Zeros before another digit. Not a part of INTEGER: a million zeros and a letter could be divided between the two in a
// million ways, and each would be tried.
const LEADING_ZEROS = /^0+(?=\d)/;

/**
 * Reads the piece of the text from `start` to `end` into the list, if it is of the plain form that nearly all pieces have: a
 * sign or none, and up to 19 digits. Gives false for any other.
 */
export function readPlain(text: string, start: number, end: number, list: IntegerList): boolean {
  const first = text.charCodeAt(start);
  const isNegative = first === 0x2d || first === 0x2212;
  const digits = isNegative || first === 0x2b ? start + 1 : start;
  if (digits >= end || end - digits > MAX_DIGITS) {
    return false;
  }
  // Nine digits, and up to ten before them, are exact in a double each.
  const split = Math.max(digits, end - 9);
  const upper = digitsOf(text, digits, split);
  const lower = digitsOf(text, split, end);
  if (upper < 0 || lower < 0) {
    return false;
  }
  if (upper < 1_000_000) {
    const magnitude = upper * 1_000_000_000 + lower;
    list.pushNumber(isNegative ? -magnitude : magnitude);
    return true;
  }
  return list.pushDecimal(isNegative, upper, lower);
}

/** Reads a piece of any form into the list, or tells what is wrong with it. */
export function readInteger(piece: string, list: IntegerList): Reason | undefined {
  const plain = DIGIT_GROUPS.test(piece) ? piece.replace(/[\u00a0\u2009\u202f]/g, "") : piece;
  const match = INTEGER.exec(plain);
  if (match === null) {
    return reasonAgainst(piece);
  }
  const [, sign = "", written = ""] = match;
  const digits = written.replace(LEADING_ZEROS, "");
  return readPlain(sign + digits, 0, sign.length + digits.length, list) ? undefined : "beyond-64-bits";
}

// The number that these digits write, or -1 if they are not all digits.
function digitsOf(text: string, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) {
      return -1;
    }
    number = number * 10 + digit;
  }
  return number;
}

function reasonAgainst(piece: string): Reason {
  if (GROUPING_SPACE.test(piece)) {
    return "grouping";
  }
  if (/^[+\-\u2212]?(?:\d+\.\d*|\.\d+)$/.test(piece)) {
    return "decimal";
  }
  if (/^[+\-\u2212]?[\d.]+e[+\-\u2212]?\d+$/i.test(piece)) {
    return "exponent";
  }
  if (/[[\](){}]/.test(piece)) {
    return "bracket";
  }
  return "not-integer";
}
