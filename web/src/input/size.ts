// Sizes of files, as people of the page's language write them.

import { locale } from "../language/language";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** A size with up to one decimal, in units of a thousand: `12 bytes`, `1.2 MB`; in French `1,2 Mo`. */
export function fileSize(bytes: number): string {
  const thousands = bytes < 1_000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const unit = UNITS[thousands];
  const format = new Intl.NumberFormat(locale.value, {
    style: "unit",
    unit,
    unitDisplay: unit === "byte" ? "long" : "short",
    maximumFractionDigits: 1,
  });
  return format.format(bytes / 1_000 ** thousands);
}
