// Numbers where there is little room: in a row, with the exact value at hand.

import { computed } from "@preact/signals";
import { locale } from "../language/language";

// From here on a number is told by its leading digits and its power of ten.
const LARGE = 1e10;
const SMALL = 1e-3;

const scientific = computed(
  () => new Intl.NumberFormat(locale.value, { notation: "scientific", maximumSignificantDigits: 4 }),
);
const plain = computed(() => {
  const withDecimals = (digits: number) => new Intl.NumberFormat(locale.value, { maximumFractionDigits: digits });
  return { whole: withDecimals(0), one: withDecimals(1), three: withDecimals(3) };
});

/** A number in about a dozen characters: rounded, the larger the coarser; by its power of ten if it is very large or small. */
export function rounded(value: bigint | number): string {
  const size = Math.abs(Number(value));
  if (size >= LARGE || (size < SMALL && size > 0)) {
    return scientific.value.formatToParts(value).map(asWritten).join("");
  }
  const { whole, one, three } = plain.value;
  return (size >= 1e6 ? whole : size >= 1e4 ? one : three).format(value);
}

// A power of ten as people write it by hand: `9.223 × 10¹⁸`, not `9.223E18`.
function asWritten({ type, value }: Intl.NumberFormatPart): string {
  switch (type) {
    case "exponentSeparator":
      return "\u202f×\u202f10";
    case "exponentMinusSign":
      return "⁻";
    case "exponentInteger":
      return value.replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? digit);
    default:
      return value;
  }
}
