// How the list was read, in a line: the check against a misreading such as `1,234` taken for one number.

import type { ReadList } from "../reading/messages";

const SHOWN = 12;

/**
 * The integers of the list, of a long one the first few and the last: `4, 5, 2, 35, 2452`. They are written without groups of
 * digits in every language, so that what separates them cannot be taken for a part of one.
 */
export function preview({ count, first, last }: ReadList): string {
  return count <= SHOWN ? first.join(", ") : `${first.slice(0, SHOWN - 2).join(", ")}, …, ${last}`;
}
