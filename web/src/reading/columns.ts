// The columns of a file, and which of them is the list.

import { visible } from "../plain";
import { readInteger, readPlain } from "./integer";
import { IntegerList } from "./integer-list";
import type { Column, Reason } from "./messages";

/** So many rows are looked at to tell what is in a column. */
export const SAMPLE_ROWS = 1_000;

// So many cells of a column are shown.
const SHOWN_CELLS = 5;

/** What is known of a column so far. */
export class ColumnSample {
  readonly id: string;
  title: string;
  readonly #cells: string[] = [];
  #integers = 0;
  #others = 0;

  constructor(id: string, title: string) {
    this.id = id;
    this.title = title;
  }

  /** Whether there are cells, and all are integers. */
  get isIntegers(): boolean {
    return this.#integers > 0 && this.#others === 0;
  }

  /** Adds a cell. An empty one says nothing. */
  add(cell: string): void {
    const trimmed = cell.trim();
    if (trimmed === "" || this.#integers + this.#others >= SAMPLE_ROWS) {
      return;
    }
    if (this.#cells.length < SHOWN_CELLS) {
      this.#cells.push(visible(trimmed));
    }
    if (reasonAgainst(trimmed) === undefined) {
      this.#integers += 1;
    } else {
      this.#others += 1;
    }
  }

  /** As the page is told. */
  describe(): Column {
    return { id: this.id, title: visible(this.title), sample: this.#cells, isIntegers: this.isIntegers };
  }
}

/** The column that is the list without a doubt: the only one, or the only one of integers. */
export function obviousColumn(columns: readonly ColumnSample[]): ColumnSample | undefined {
  const candidates = columns.length === 1 ? columns : columns.filter((column) => column.isIntegers);
  return candidates.length === 1 ? candidates[0] : undefined;
}

/** Whether a cell is a word, such as a title: a number that is wrong is none. */
export function isWord(cell: string): boolean {
  return reasonAgainst(cell.trim()) === "not-integer";
}

/** What keeps a cell from being an integer. */
export function reasonAgainst(cell: string): Reason | undefined {
  const scratch = new IntegerList();
  return readPlain(cell, 0, cell.length, scratch) ? undefined : readInteger(cell, scratch);
}
