// Reads a list of integers by the rule in src/reading/integers.ts, one character after another, without regular expressions and without
// a thought for speed.

const SEPARATORS = ",; \t\n\r";
const GROUPING = "\u00a0\u2009\u202f";
const IGNORED = `${SEPARATORS}${GROUPING}\ufeff`;
const CLOSING = new Map([
  ["[", "]"],
  ["(", ")"],
  ["{", "}"],
]);

export interface Found {
  readonly token: string;
  readonly offset: number;
  /** Absent: it is not an integer of 64 bits. */
  readonly value: bigint | undefined;
}

/** Every piece of the text that is not a separator. */
export function read(text: string): Found[] {
  const found: Found[] = [];
  let [start, end] = trimmed(text, 0, text.length);
  const closing = CLOSING.get(text.slice(start, Math.min(start + 1, end)));
  if (closing !== undefined) {
    if (end - start >= 2 && text[end - 1] === closing) {
      end -= 1;
    } else {
      found.push({ token: text.slice(start, start + 1), offset: start, value: undefined });
    }
    start += 1;
  }
  let from = start;
  for (let at = start; at <= end; at += 1) {
    if (at < end && !SEPARATORS.includes(text.charAt(at))) {
      continue;
    }
    const [first, last] = trimmed(text, from, at);
    if (first < last) {
      const token = text.slice(first, last);
      found.push({ token, offset: first, value: integer(token) });
    }
    from = at + 1;
  }
  return found;
}

/** Line and column of a place, both from 1; a column is a code point. */
export function place(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let column = 1;
  for (let at = 0; at < offset; at += 1) {
    const character = text.charAt(at);
    if (character === "\n" || (character === "\r" && text.charAt(at + 1) !== "\n")) {
      line += 1;
      column = 1;
      continue;
    }
    const isPair = (text.codePointAt(at) ?? 0) > 0xffff;
    column += 1;
    at += isPair ? 1 : 0;
  }
  return { line, column };
}

function trimmed(text: string, start: number, end: number): [number, number] {
  while (start < end && IGNORED.includes(text.charAt(start))) {
    start += 1;
  }
  while (start < end && IGNORED.includes(text.charAt(end - 1))) {
    end -= 1;
  }
  return [start, end];
}

function integer(token: string): bigint | undefined {
  const isSigned = "+-\u2212".includes(token.charAt(0)) && token !== "";
  const rest = isSigned ? token.slice(1) : token;
  const groups: string[] = [""];
  for (const character of rest.split("")) {
    if (GROUPING.includes(character)) {
      groups.push("");
    } else if (character >= "0" && character <= "9") {
      groups[groups.length - 1] += character;
    } else {
      return undefined;
    }
  }
  const [first = "", ...others] = groups;
  if (first === "" || others.some((group) => group.length !== 3)) {
    return undefined;
  }
  if (others.length > 0 && (first.length > 3 || first.startsWith("0"))) {
    return undefined;
  }
  let value = 0n;
  for (const digit of groups.join("").split("")) {
    value = 10n * value + BigInt(digit);
  }
  value = isSigned && !token.startsWith("+") ? -value : value;
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
