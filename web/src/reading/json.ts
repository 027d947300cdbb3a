// Reads one list of integers out of a JSON text.

import { ColumnSample, isWord, obviousColumn, SAMPLE_ROWS } from "./columns";
import { readInteger, readPlain } from "./integer";
import type { IntegerList } from "./integer-list";
import { type JsonHandler, JsonScanner } from "./json-scanner";
import type { Column } from "./messages";
import type { Problems } from "./problems";

// More columns than anybody would look through are not told of.
const MAX_COLUMNS = 100;

/** The column of an array of integers that is all there is in the file. */
export const WHOLE = "/*";

// An array or object that is open.
interface Level {
  readonly kind: "array" | "object";
  /** Where it is: the names on the way to it, each behind a `/`, and `*` for any element of an array. */
  readonly path: string;
  readonly title: string;
  /** Whether it is an element of an array, and an array itself: a row whose elements are cells. */
  readonly isRow: boolean;
  /** How many elements are done. */
  index: number;
  /** Where its next value is. */
  childPath: string;
  childTitle: string;
}

/**
 * Tells which columns there are. A column is all values that are reached by the same names, whichever elements of arrays are on
 * the way: the elements of an array, a member of the objects in one, or a cell of the arrays in one. A text that is an array is
 * known after its first rows.
 */
export class JsonColumns implements JsonHandler {
  readonly #scanner: JsonScanner;
  readonly #columns = new Map<string, ColumnSample>();
  readonly #path = new Path();
  #rows = 0;
  #hasValue = false;
  #hasArray = false;

  constructor(problems: Problems) {
    this.#scanner = new JsonScanner(this, problems);
  }

  /** Reads on. */
  push(piece: string): void {
    this.#scanner.push(piece);
  }

  /** Reads what is left. */
  end(): void {
    this.#scanner.end();
  }

  /** Whether enough is known: the rest need not be read. */
  get isKnown(): boolean {
    return this.#rows >= SAMPLE_ROWS || this.#columns.has(WHOLE);
  }

  /** The column that is the list without a doubt. */
  get obvious(): string | undefined {
    return this.#columns.has(WHOLE) ? WHOLE : obviousColumn([...this.#columns.values()])?.id;
  }

  /** All columns, in the order of the text. */
  get all(): readonly Column[] {
    return [...this.#columns.values()].map((column) => column.describe());
  }

  /** Whether there is an array, or nothing at all: if there is no column, then because it is empty. */
  get isEmpty(): boolean {
    return this.#hasArray || !this.#hasValue;
  }

  open(kind: "array" | "object"): void {
    this.#hasValue = true;
    this.#hasArray ||= kind === "array";
    this.#path.open(kind);
  }

  close(): void {
    this.#path.close();
    this.#rows += this.#path.depth === 1 && this.#path.isInArray ? 1 : 0;
  }

  key(name: string): void {
    this.#path.key(name);
  }

  scalar(text: string, start: number, end: number): void {
    this.#hasValue = true;
    const { id, title, isFirstCell } = this.#path.value();
    if (!id.includes("/*")) {
      return;
    }
    let column = this.#columns.get(id);
    if (column === undefined) {
      if (this.#columns.size === MAX_COLUMNS) {
        return;
      }
      column = new ColumnSample(id, title);
      this.#columns.set(id, column);
    }
    const cell = contentOf(text.slice(start, end));
    if (isFirstCell && isWord(cell)) {
      column.title = cell;
    } else {
      column.add(cell);
    }
  }
}

/**
 * Reads one column. Integers may be numbers or strings, as many interfaces write those of 64 bits. `null` and empty strings are
 * skipped, and so is a word in the first of several rows that are arrays: it is a title.
 */
export class JsonReader implements JsonHandler {
  readonly #list: IntegerList;
  readonly #problems: Problems;
  readonly #column: string;
  readonly #scanner: JsonScanner;
  readonly #path = new Path();

  constructor(list: IntegerList, problems: Problems, column: string) {
    this.#list = list;
    this.#problems = problems;
    this.#column = column;
    this.#scanner = new JsonScanner(this, problems);
  }

  /** Reads on. */
  push(piece: string): void {
    this.#scanner.push(piece);
  }

  /** Reads what is left. */
  end(): void {
    this.#scanner.end();
  }

  open(kind: "array" | "object", _text: string, start: number): void {
    if (this.#path.open(kind) === this.#column) {
      this.#problems.add(start, start + 1, "bracket");
    }
  }

  close(): void {
    this.#path.close();
  }

  key(name: string): void {
    this.#path.key(name);
  }

  scalar(text: string, start: number, end: number): void {
    const { id, isFirstCell } = this.#path.value();
    if (id !== this.#column || readPlain(text, start, end, this.#list)) {
      return;
    }
    const cell = contentOf(text.slice(start, end)).trim();
    if (cell === "" || (isFirstCell && isWord(cell))) {
      return;
    }
    const reason = readInteger(cell, this.#list);
    if (reason !== undefined) {
      this.#problems.add(start, end, reason);
    }
  }
}

// Where in the text a scanner is.
class Path {
  readonly #levels: Level[] = [];

  get depth(): number {
    return this.#levels.length;
  }

  get isInArray(): boolean {
    return this.#levels.at(-1)?.kind === "array";
  }

  /** An array or object starts; gives where it is itself. */
  open(kind: "array" | "object"): string {
    const parent = this.#levels.at(-1);
    const path = this.#next(parent);
    const title = parent?.childTitle ?? "";
    const isRow = kind === "array" && parent?.kind === "array";
    this.#levels.push({ kind, path, title, isRow, index: 0, childPath: `${path}/*`, childTitle: title });
    return path;
  }

  close(): void {
    this.#levels.pop();
    this.#done(this.#levels.at(-1));
  }

  key(name: string): void {
    const level = this.#levels.at(-1);
    if (level !== undefined) {
      level.childPath = `${level.path}/${name.replace(/[~/*]/g, (c) => `~${"~/*".indexOf(c)}`)}`;
      level.childTitle = level.title === "" ? name : `${level.title}.${name}`;
    }
  }

  /** A value that is neither; gives where it is. */
  value(): { id: string; title: string; isFirstCell: boolean } {
    const level = this.#levels.at(-1);
    const place = {
      id: this.#next(level),
      title: level?.isRow === true ? "" : (level?.childTitle ?? ""),
      isFirstCell: level?.isRow === true && this.#levels.at(-2)?.index === 0,
    };
    this.#done(level);
    return place;
  }

  #next(level: Level | undefined): string {
    return level?.isRow === true ? `${level.path}/${level.index}` : (level?.childPath ?? "");
  }

  #done(level: Level | undefined): void {
    if (level !== undefined) {
      level.index += 1;
    }
  }
}

// What a value says: of a string, what is between its quotes.
function contentOf(written: string): string {
  if (written.startsWith('"')) {
    try {
      return JSON.parse(written) as string;
    } catch {
      return written;
    }
  }
  return written === "null" ? "" : written;
}
