// How the list was read, in a line: the check against a misreading such as `1,234` taken for one number.

const SHOWN = 12;

/** `5 integers: 4, 5, 2, 35, 2452`; of a long list the first few and the last. */
export function preview(values: readonly bigint[]): string {
  if (values.length === 0) {
    return "No integers yet";
  }
  const count = values.length.toLocaleString("en-US");
  const noun = values.length === 1 ? "integer" : "integers";
  const last = values[values.length - 1];
  const shown = values.length <= SHOWN ? values.join(", ") : `${values.slice(0, SHOWN - 2).join(", ")}, …, ${last}`;
  return `${count} ${noun}: ${shown}`;
}
