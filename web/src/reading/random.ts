// Random integers.

import type { IntegerList } from "./integer-list";
import type { Pace } from "./pace";

// `getRandomValues` gives up to 65,536 bytes at once.
const WORDS = 65_536 / 4;

const TWO_32 = 2 ** 32;

/**
 * Adds integers drawn evenly from `min` to `max`, both included. As many random bits are taken as the width of the range has,
 * and taken again if they are beyond it, which is the case less than every other time: a remainder would favour small ones.
 */
export async function drawIntegers(
  count: number,
  min: bigint,
  max: bigint,
  list: IntegerList,
  pace: Pace,
): Promise<void> {
  if (max < min) {
    throw new RangeError(`there is no integer from ${min} to ${max}`);
  }
  const width = BigInt.asUintN(64, max - min);
  const [widthLow, widthHigh] = halves(width);
  const [minLow, minHigh] = halves(min);
  const maskHigh = onesOver(widthHigh);
  const maskLow = widthHigh > 0 ? 0xffff_ffff : onesOver(widthLow);
  const words = new Uint32Array(WORDS);
  const end = list.length + count;
  while (list.length < end) {
    crypto.getRandomValues(words);
    for (let at = 0; at < WORDS && list.length < end; at += 2) {
      const low = ((words[at] ?? 0) & maskLow) >>> 0;
      const high = ((words[at + 1] ?? 0) & maskHigh) >>> 0;
      if (high < widthHigh || (high === widthHigh && low <= widthLow)) {
        const sum = minLow + low;
        list.push(sum | 0, (minHigh + high + (sum >= TWO_32 ? 1 : 0)) | 0);
      }
    }
    await pace.rest(1 - (end - list.length) / count);
  }
}

function halves(value: bigint): [low: number, high: number] {
  const bits = BigInt.asUintN(64, value);
  return [Number(bits & 0xffff_ffffn), Number(bits >> 32n)];
}

// As many ones as the number has binary digits.
function onesOver(number: number): number {
  return number === 0 ? 0 : 2 ** (32 - Math.clz32(number)) - 1;
}
