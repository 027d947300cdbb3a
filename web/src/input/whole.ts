// Reads the numbers of the random list.

/** A whole number, or which thing is wrong with it. */
export type Whole =
  { readonly ok: true; readonly value: bigint } | { readonly ok: false; readonly reason: "notWhole" | "beyond64" };

const SPACES = /[\s\u00a0\u2009\u202f]/g;

/** Reads one whole number of 64 bits. Spaces of any kind may group its digits: there is no second number to tell it from. */
export function readWhole(text: string): Whole {
  const digits = text.replace(SPACES, "").replace("\u2212", "-");
  if (!/^[+-]?\d+$/.test(digits)) {
    return { ok: false, reason: "notWhole" };
  }
  // Enough digits for 64 bits and zeros before them; more need not be converted to be refused.
  const value = digits.length > 100 ? undefined : BigInt(digits.replace("+", ""));
  return value === undefined || BigInt.asIntN(64, value) !== value
    ? { ok: false, reason: "beyond64" }
    : { ok: true, value };
}
