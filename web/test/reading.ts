// Reads sources as the reading thread does.

import type { Problem, Reading, Source } from "../src/reading/messages";
import { IntegerList } from "../src/reading/integer-list";
import { IntegersReader } from "../src/reading/integers";
import { Pace } from "../src/reading/pace";
import { Problems } from "../src/reading/problems";
import { read } from "../src/reading/read";

/** The integers, or why there are none. */
export type Parsed =
  | { readonly ok: true; readonly values: bigint[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly more: number };

/** Reads a text that comes in these pieces. */
export function parsePieces(pieces: readonly string[]): Parsed {
  const list = new IntegerList();
  const problems = new Problems();
  const reader = new IntegersReader(list, problems);
  pieces.forEach((piece) => reader.push(piece));
  reader.end();
  return problems.count === 0
    ? { ok: true, values: valuesOf(list) }
    : { ok: false, problems: problems.found.problems, more: problems.found.more };
}

/** Reads a text that comes at once. */
export function parseIntegers(text: string): Parsed {
  return parsePieces([text]);
}

/** All integers of a list. */
export function valuesOf(list: IntegerList): bigint[] {
  const values: bigint[] = [];
  for (const block of list.blocks()) {
    for (let at = 0; at < block.length; at += 2) {
      values.push((BigInt(block[at + 1] ?? 0) << 32n) | BigInt((block[at] ?? 0) >>> 0));
    }
  }
  return values;
}

/** What came of reading a source, and the values of the list. */
export async function readSource(
  source: Source,
  signal: AbortSignal = new AbortController().signal,
  progress: (fraction: number) => void = () => {},
): Promise<{ readonly reading: Reading; readonly values: readonly bigint[] | undefined }> {
  const { reading, list } = await read(source, new Pace(signal, progress));
  return { reading, values: list === undefined ? undefined : valuesOf(list) };
}

/** Reads a file of this name and content. */
export async function readFile(
  name: string,
  content: string | Uint8Array | readonly string[],
  column?: string,
): Promise<{ readonly reading: Reading; readonly values: readonly bigint[] | undefined }> {
  const file = fileOf(name, content);
  return readSource(column === undefined ? { kind: "file", file } : { kind: "file", file, column });
}

/** A file of this name and content; several texts are handed out one by one, as if it were read in such pieces. */
export function fileOf(name: string, content: string | Uint8Array | readonly string[]): File {
  if (typeof content === "string" || content instanceof Uint8Array) {
    return new File([content as BlobPart], name);
  }
  const file = new File([...content], name);
  const encoder = new TextEncoder();
  file.stream = () =>
    new ReadableStream({
      start(controller) {
        content.forEach((piece) => controller.enqueue(encoder.encode(piece)));
        controller.close();
      },
    });
  return file;
}
