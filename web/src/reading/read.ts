// Reads a source, whatever it is.

import { EncodingError, textOf } from "./decode";
import { IntegerList, MAX_VALUES } from "./integer-list";
import { IntegersReader } from "./integers";
import { JsonColumns, JsonReader } from "./json";
import { JsonError } from "./json-scanner";
import type { Reading, Source } from "./messages";
import type { Pace } from "./pace";
import { Problems } from "./problems";
import { drawIntegers } from "./random";
import { SeparatedReader } from "./separated";

// So many of the first values are told.
const FIRST_VALUES = 1_000;

// A text is read in pieces of so many UTF-16 code units.
const PIECE = 1 << 18;

// The share of the time that a JSON file takes to be looked through for columns.
const LOOKING = 0.4;

/** What came of it, and the list itself if it is one. */
export interface Read {
  readonly reading: Reading;
  readonly list: IntegerList | undefined;
}

/** Reads a source. Throws the reason of the pace's signal when it is given up. */
export async function read(source: Source, pace: Pace): Promise<Read> {
  const list = new IntegerList();
  const problems = new Problems();
  const reading = (await readInto(list, problems, source, pace)) ?? summary(list, problems);
  return { reading, list: reading.kind === "list" ? list : undefined };
}

/** Something that reads a text in pieces. */
interface TextReader {
  push(piece: string): void;
  end(): void;
}

async function readInto(
  list: IntegerList,
  problems: Problems,
  source: Source,
  pace: Pace,
): Promise<Reading | undefined> {
  switch (source.kind) {
    case "random":
      if (source.count > MAX_VALUES) {
        return { kind: "too-many", limit: MAX_VALUES };
      }
      await drawIntegers(source.count, source.min, source.max, list, pace);
      return undefined;
    case "text":
      return readAll(piecesOf(source.text, pace), new IntegersReader(list, problems), list);
    case "file":
      try {
        return await readFile(list, problems, source, pace);
      } catch (error) {
        return unreadable(error);
      }
  }
}

async function readFile(
  list: IntegerList,
  problems: Problems,
  { file, column }: Extract<Source, { kind: "file" }>,
  pace: Pace,
): Promise<Reading | undefined> {
  switch (/\.([^.]*)$/.exec(file.name)?.[1]?.toLowerCase()) {
    case "csv":
      return readSeparated(file, new SeparatedReader(list, problems, "", column), list, pace);
    case "tsv":
      return readSeparated(file, new SeparatedReader(list, problems, "\t", column), list, pace);
    case "json":
      return readJson(list, problems, file, column, pace);
    default:
      return readAll(textOf(file, pace), new IntegersReader(list, problems), list);
  }
}

async function readSeparated(
  file: File,
  reader: SeparatedReader,
  list: IntegerList,
  pace: Pace,
): Promise<Reading | undefined> {
  const tooMany = await readAll(textOf(file, pace), reader, list, () => reader.columns !== undefined);
  return reader.columns === undefined ? tooMany : { kind: "columns", columns: reader.columns };
}

// Reads the file twice, unless the column is known: what is in an object may stand at its end.
async function readJson(
  list: IntegerList,
  problems: Problems,
  file: File,
  column: string | undefined,
  pace: Pace,
): Promise<Reading | undefined> {
  if (column !== undefined) {
    return readAll(textOf(file, pace), new JsonReader(list, problems, column), list);
  }
  const columns = new JsonColumns(new Problems());
  await readAll(textOf(file, pace.stage(0, LOOKING)), columns, list, () => columns.isKnown);
  if (columns.obvious !== undefined) {
    const rest = pace.stage(columns.isKnown ? 0 : LOOKING, 1);
    return readAll(textOf(file, rest), new JsonReader(list, problems, columns.obvious), list);
  }
  if (columns.all.length > 0) {
    return { kind: "columns", columns: columns.all };
  }
  return columns.isEmpty ? { kind: "empty" } : { kind: "unreadable", why: "json", detail: "there is no array in it" };
}

async function readAll(
  pieces: AsyncIterable<string>,
  reader: TextReader,
  list: IntegerList,
  isEnough: () => boolean = () => false,
): Promise<Reading | undefined> {
  for await (const piece of pieces) {
    reader.push(piece);
    if (list.length > MAX_VALUES) {
      break;
    }
    if (isEnough()) {
      return undefined;
    }
  }
  if (list.length <= MAX_VALUES) {
    reader.end();
  }
  return list.length > MAX_VALUES ? { kind: "too-many", limit: MAX_VALUES } : undefined;
}

async function* piecesOf(text: string, pace: Pace): AsyncGenerator<string, void> {
  for (let at = 0; at < text.length; at += PIECE) {
    yield text.slice(at, at + PIECE);
    await pace.rest((at + PIECE) / text.length);
  }
}

function summary(list: IntegerList, problems: Problems): Reading {
  if (problems.count > 0) {
    return { kind: "bad", ...problems.found };
  }
  if (list.length === 0) {
    return { kind: "empty" };
  }
  const count = list.length;
  return { kind: "list", list: { count, first: list.first(FIRST_VALUES), last: list.at(count - 1) } };
}

function unreadable(error: unknown): Reading {
  if (error instanceof JsonError) {
    return { kind: "unreadable", why: "json", detail: error.message };
  }
  if (error instanceof EncodingError) {
    return { kind: "unreadable", why: "encoding", detail: error.message };
  }
  // A `RangeError` is a single piece beyond what a text may hold.
  if ((error instanceof DOMException && error.name !== "AbortError") || error instanceof RangeError) {
    return { kind: "unreadable", why: "file", detail: error.message };
  }
  throw error;
}
