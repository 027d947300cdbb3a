// The text of a file, in pieces.

import type { Pace } from "./pace";

/** The file is not text in an encoding that is known here. */
export class EncodingError extends Error {
  override readonly name = "EncodingError";
}

// So many bytes are read and decoded at once, however many the browser hands over.
const PIECE = 1 << 18;

/**
 * The text of a file: UTF-16 if a byte order mark says so, else UTF-8. The mark is not a part of it. Throws an `EncodingError`,
 * and a `DOMException` if the file cannot be read.
 */
export async function* textOf(file: Blob, pace: Pace): AsyncGenerator<string, void> {
  const encoding = await encodingOf(file);
  const decoder = new TextDecoder(encoding, { fatal: true });
  const reader = file.stream().getReader();
  let done = 0;
  const decode = (bytes: Uint8Array, isLast = false) => {
    try {
      return decoder.decode(bytes, { stream: !isLast });
    } catch {
      throw new EncodingError(`bytes ${done} to ${done + bytes.length} are not ${encoding.toUpperCase()}`);
    }
  };
  try {
    for (;;) {
      const { value: bytes } = await reader.read();
      if (bytes === undefined) {
        break;
      }
      for (let at = 0; at < bytes.length; at += PIECE) {
        const piece = bytes.subarray(at, at + PIECE);
        yield decode(piece);
        done += piece.length;
        await pace.rest(done / file.size);
      }
    }
    yield decode(new Uint8Array(), true);
  } finally {
    await reader.cancel();
  }
}

async function encodingOf(file: Blob): Promise<string> {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (first === 0xff && second === 0xfe) {
    return "utf-16le";
  }
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}
