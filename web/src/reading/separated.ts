// Reads one column of a table of separated values: `.csv` and `.tsv`.

import Papa from "papaparse";
import { ColumnSample, isWord, obviousColumn, reasonAgainst, SAMPLE_ROWS } from "./columns";
import { readInteger, readPlain } from "./integer";
import type { IntegerList } from "./integer-list";
import type { Column } from "./messages";
import { Pieces } from "./pieces";
import type { Problems } from "./problems";

// The form of the table is told from so much of its text.
const HEAD = 1 << 18;

interface Table {
  readonly parser: Papa.Parser;
  readonly delimiter: string;
  /** The column that is read, from 0. Undefined: all of them, for a list in one row. */
  readonly column: number | undefined;
}

/**
 * Reads one column of a table, in pieces cut anywhere. The separator is the one that divides the first rows most evenly; a first
 * row is one of titles if a word in it stands above integers, or if it has nothing but words. Without a column named, it is the
 * only one, or the only one whose first rows are integers; a table of one row is a list itself. If none of these holds, `columns`
 * says which there are. Empty cells are skipped.
 */
export class SeparatedReader {
  readonly #list: IntegerList;
  readonly #problems: Problems;
  readonly #delimiter: string;
  readonly #asked: string | undefined;
  readonly #pieces = new Pieces();
  #head = "";
  #table: Table | undefined;
  #skipsRow = false;
  // The text that is read, and where its row under way starts.
  #text = "";
  #rowStart = 0;

  /** The columns, if one has to be chosen. Nothing is read then. */
  columns: readonly Column[] | undefined;

  /** An empty delimiter is detected. */
  constructor(list: IntegerList, problems: Problems, delimiter: "" | "\t", column: string | undefined) {
    this.#list = list;
    this.#problems = problems;
    this.#delimiter = delimiter;
    this.#asked = column;
  }

  /** Reads on. */
  push(piece: string): void {
    if (this.#table !== undefined) {
      this.#read(this.#pieces.add(piece), false);
      return;
    }
    this.#head += piece;
    if (this.#head.length >= HEAD) {
      this.#begin(false);
    }
  }

  /** Reads what is left. */
  end(): void {
    if (this.#table === undefined) {
      this.#begin(true);
    }
    this.#read(this.#pieces.take(), true);
  }

  // Tells from the head what the table is like.
  #begin(isWhole: boolean): void {
    const { data, meta } = Papa.parse<string[]>(this.#head, {
      delimiter: this.#delimiter,
      delimitersToGuess: [",", ";", "\t", "|"],
      preview: SAMPLE_ROWS + 1,
      skipEmptyLines: "greedy",
    });
    // The last row may be cut.
    const rows = isWhole || data.length < 2 ? data : data.slice(0, -1);
    const hasTitles = isTitles(rows);
    const columns = samples(rows, hasTitles);
    const asked = columns.find(({ id }) => id === this.#asked);
    const isList = rows.length < 2 && isWhole;
    const chosen = asked ?? (isList ? undefined : obviousColumn(columns));
    if (chosen === undefined && !isList) {
      this.columns = columns.map((column) => column.describe());
      return;
    }
    const parser = new Papa.Parser({
      delimiter: meta.delimiter,
      newline: meta.linebreak as "\n",
      step: (result: Papa.ParseStepResult<string[][]>) => this.#row(result),
    });
    this.#table = {
      parser,
      delimiter: meta.delimiter,
      column: chosen === undefined ? undefined : columns.indexOf(chosen),
    };
    this.#skipsRow = hasTitles;
    this.#read(this.#head, false);
    this.#head = "";
  }

  #read(text: string | undefined, isLast: boolean): void {
    if (text === undefined || this.#table === undefined) {
      return;
    }
    this.#problems.open(text, 0);
    this.#text = text;
    this.#rowStart = 0;
    this.#table.parser.parse(text, 0, !isLast);
    this.#problems.pass(this.#rowStart);
    this.#pieces.keep(text.slice(this.#rowStart));
    this.#text = "";
  }

  #row({ data: [row = []], meta }: Papa.ParseStepResult<string[][]>): void {
    const [start, end] = [this.#rowStart, meta.cursor];
    this.#rowStart = end;
    if (this.#skipsRow) {
      this.#skipsRow = row.every((cell) => cell.trim() === "");
      return;
    }
    const column = this.#table?.column;
    for (let at = column ?? 0; at < row.length && (column === undefined || at === column); at += 1) {
      this.#cell(row[at] ?? "", at, start, end);
    }
  }

  #cell(cell: string, column: number, rowStart: number, rowEnd: number): void {
    if (readPlain(cell, 0, cell.length, this.#list)) {
      return;
    }
    const trimmed = cell.trim();
    const reason = trimmed === "" ? undefined : readInteger(trimmed, this.#list);
    if (reason === undefined) {
      return;
    }
    const delimiter = this.#table?.delimiter ?? "";
    const [start, end] = cellAt(this.#text.slice(rowStart, rowEnd), delimiter, column);
    // Where a comma does not separate, it is the decimal point of half the world.
    const isDecimal = delimiter !== "," && reasonAgainst(trimmed.replace(",", ".")) === "decimal";
    this.#problems.add(rowStart + start, rowStart + end, isDecimal ? "decimal" : reason);
  }
}

function isTitles([first = [], ...others]: readonly string[][]): boolean {
  const isAboveIntegers = first.some((cell, column) => {
    const below = new ColumnSample("", "");
    others.forEach((row) => below.add(row[column] ?? ""));
    return isWord(cell) && cell.trim() !== "" && below.isIntegers;
  });
  return isAboveIntegers || (others.length > 0 && first.every((cell) => isWord(cell) && cell.trim() !== ""));
}

function samples(rows: readonly string[][], hasTitles: boolean): ColumnSample[] {
  const width = Math.max(0, ...rows.map((row) => row.length));
  const columns = Array.from({ length: width }, (_, column) => {
    return new ColumnSample(String(column), hasTitles ? (rows[0]?.[column]?.trim() ?? "") : "");
  });
  for (const row of hasTitles ? rows.slice(1) : rows) {
    row.forEach((cell, column) => columns[column]?.add(cell));
  }
  return columns;
}

// Where a cell is in the text of its row, without spaces or quotes around it.
function cellAt(row: string, delimiter: string, column: number): [start: number, end: number] {
  let start = 0;
  let end = endOfCell(row, delimiter, 0);
  for (let at = 0; at < column; at += 1) {
    start = end + delimiter.length;
    end = endOfCell(row, delimiter, start);
  }
  const cell = row.slice(start, end);
  const [, before = "", inner = ""] = /^(\s*"?\s*)(.*?)\s*"?\s*$/s.exec(cell) ?? [];
  return [start + before.length, start + before.length + inner.length];
}

function endOfCell(row: string, delimiter: string, start: number): number {
  let from = start;
  if (row.charAt(start) === '"') {
    // Two quotes are one in the cell; a single one ends it.
    const [quoted = ""] = /^"(?:[^"]|"")*/.exec(row.slice(start)) ?? [];
    from += quoted.length;
  }
  const end = row.indexOf(delimiter, from);
  return end < 0 ? row.length : end;
}
