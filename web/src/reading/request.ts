// The request of a call, as protobuf has it.

import { create } from "@bufbuild/protobuf";
import { ComputeRequestSchema, type ComputeRequest } from "../../gen/compute/v1/compute_pb";
import type { IntegerList } from "./integer-list";
import type { ComputeOptions } from "./messages";

const LENGTH_DELIMITED = 2;

/**
 * The request for a list. Its values stand in it as the bytes of a field that the message does not know: it is written like any
 * other, and without the ten million bigints that `ComputeRequest.values` would be.
 */
export function requestFor(list: IntegerList, { quantiles, bins }: ComputeOptions): ComputeRequest {
  const request = create(ComputeRequestSchema, { quantiles: [...quantiles], histogram: { bins }, finishLate: true });
  const { number } = ComputeRequestSchema.field.values;
  request.$unknown = [{ no: number, wireType: LENGTH_DELIMITED, data: packed(list) }];
  return request;
}

/** The field's length, and its values as zigzag varints: https://protobuf.dev/programming-guides/encoding/#packed. */
export function packed(list: IntegerList): Uint8Array {
  let size = 0;
  for (const block of list.blocks()) {
    for (let at = 0; at < block.length; at += 2) {
      const [low, high] = [block[at] ?? 0, block[at + 1] ?? 0];
      size += sizeOf(zigzagLow(low, high), zigzagHigh(low, high));
    }
  }
  const bytes = new Uint8Array(sizeOf(size, 0) + size);
  let end = write(bytes, 0, size, 0);
  for (const block of list.blocks()) {
    for (let at = 0; at < block.length; at += 2) {
      const [low, high] = [block[at] ?? 0, block[at + 1] ?? 0];
      end = write(bytes, end, zigzagLow(low, high), zigzagHigh(low, high));
    }
  }
  return bytes;
}

function zigzagLow(low: number, high: number): number {
  return (low << 1) ^ (high >> 31);
}

function zigzagHigh(low: number, high: number): number {
  return ((high << 1) | (low >>> 31)) ^ (high >> 31);
}

// The bytes that a varint takes: one for seven bits, and at least one.
function sizeOf(low: number, high: number): number {
  const bits = high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
  return Math.max(1, Math.ceil(bits / 7));
}

// Writes a varint, and gives where it ends.
function write(bytes: Uint8Array, start: number, low: number, high: number): number {
  let at = start;
  while (high !== 0) {
    bytes[at] = (low & 0x7f) | 0x80;
    low = (low >>> 7) | (high << 25);
    high >>>= 7;
    at += 1;
  }
  while (low >>> 0 > 0x7f) {
    bytes[at] = (low & 0x7f) | 0x80;
    low >>>= 7;
    at += 1;
  }
  bytes[at] = low;
  return at + 1;
}
