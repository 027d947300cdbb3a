// Where the list comes from: the text field, or what was attached in its place. Each change has it read.

import { signal } from "@preact/signals";
import { reader } from "../reading/reader";
import type { Column, Source } from "../reading/messages";
import { list, type SettledList } from "./list";

/**
 * The longest text that the text field takes, in UTF-16 code units. A browser lays out every line of a field, and longer texts
 * would stop the page while it does.
 */
export const MAX_TYPED = 200_000;

/** A random list of up to this many integers is written into the text field, where it can be changed. */
const MAX_TYPED_RANDOM = 1_000;

/** A list that stands in the place of the text field. */
export interface Attached {
  readonly source: Source;
  /** The columns of the file from which one is chosen, once they are known. */
  readonly columns?: readonly Column[];
}

/** What the text field holds. It is kept while something is attached, and is back when that is removed. */
export const typed = signal("");

/** What is attached, if anything is. */
export const attached = signal<Attached | undefined>(undefined);

/** What came of the list that was last read to its end, and the text if it was typed. */
export const settled = signal<{ readonly list: SettledList; readonly text: string | undefined }>({
  list: { kind: "empty" },
  text: "",
});

/** Grows whenever another list is given, be it read yet or not. */
export const edition = signal(0);

/** Takes what the text field holds now. A text too long for it is attached, and the field keeps what it had. */
export function type(text: string): void {
  if (text.length > MAX_TYPED) {
    attach({ kind: "text", text });
    return;
  }
  edition.value += 1;
  write(text);
}

/** Takes a list in the place of the text field. */
export function attach(source: Source): void {
  edition.value += 1;
  if (source.kind === "random" && source.count <= MAX_TYPED_RANDOM) {
    void typeRandom(source);
    return;
  }
  attached.value = { source };
  void read(source);
}

/** Reads the attached file again for the column that was chosen. */
export function chooseColumn(id: string): void {
  const { value } = attached;
  if (value?.source.kind !== "file") {
    return;
  }
  edition.value += 1;
  const source: Source = { ...value.source, column: id };
  attached.value = { ...value, source };
  void read(source);
}

/** Takes away what is attached, whether it is read or not; the text field is back. */
export function detach(): void {
  type(typed.value);
}

/** Reads the same list again. */
export function readAgain(): void {
  void read(attached.value?.source ?? { kind: "text", text: typed.value });
}

function write(text: string): void {
  typed.value = text;
  attached.value = undefined;
  void read({ kind: "text", text });
}

// What is read for the page now; what comes of an earlier reading is no longer of interest.
let latest = 0;

async function read(source: Source): Promise<void> {
  const mine = (latest += 1);
  list.value = { kind: "reading", fraction: 0 };
  const result = await reader
    .read(source, (fraction) => {
      if (mine === latest) {
        list.value = { kind: "reading", fraction };
      }
    })
    .catch((error: unknown) => ({ kind: "failed", detail: String(error) }) as const);
  if (mine !== latest) {
    return;
  }
  if (result.kind === "columns" && attached.value !== undefined) {
    attached.value = { ...attached.value, columns: result.columns };
  }
  settled.value = { list: result, text: source.kind === "text" && !isAttached(source) ? source.text : undefined };
  list.value = result;
}

function isAttached(source: Source): boolean {
  return attached.peek()?.source === source;
}

async function typeRandom(source: Source): Promise<void> {
  await read(source);
  if (settled.value.list.kind === "list" && list.value === settled.value.list) {
    write(settled.value.list.list.first.join(", "));
  }
}
