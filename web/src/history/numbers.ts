// Numbers where there is little room: in a row, with the exact value at hand.

import { computed } from "@preact/signals";
import { locale } from "../language/language";

const DIGITS = 4;
// From here on a number is told by its leading digits and its power of ten.
const LARGE = 1e12;
const SMALL = 1e-3;

const plain = computed(() => new Intl.NumberFormat(locale.value, { maximumFractionDigits: 3 }));
const scientific = computed(
  () => new Intl.NumberFormat(locale.value, { notation: "scientific", maximumSignificantDigits: DIGITS }),
);

/** A number in at most 17 characters or so: rounded to three decimals, or to four digits if it is very large or very small. */
export function rounded(value: bigint | number): string {
  const size = Math.abs(Number(value));
  const isPlain = size === 0 || (size >= SMALL && size < LARGE);
  return (isPlain ? plain : scientific).value.format(value);
}
