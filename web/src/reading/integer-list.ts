// A list of 64-bit integers that grows.

/** The most integers that one `Compute` call may have. The gateway's own limit, in `proto/validate.rs`. */
export const MAX_VALUES = 10_000_000;

// Most lists are short, and are read anew at each key.
const FIRST_BLOCK = 1 << 4;
const LARGEST_BLOCK = 1 << 20;

const TWO_32 = 2 ** 32;
const BILLION = 1_000_000_000;

/**
 * A list of 64-bit integers that grows. It takes 8 bytes for each, in blocks that are never copied; an array of bigints would
 * take three times as much, and have a million objects to be collected.
 */
export class IntegerList {
  // Two 32-bit halves an integer, the lower one first: arithmetic on them needs no bigints.
  readonly #blocks: Int32Array[] = [];
  #block = new Int32Array(2 * FIRST_BLOCK);
  #used = 0;
  #before = 0;

  /** How many integers there are. */
  get length(): number {
    return this.#before + this.#used / 2;
  }

  /** Adds the integer whose bits, in two's complement, are these. */
  push(low: number, high: number): void {
    if (this.#used === this.#block.length) {
      this.#nextBlock();
    }
    this.#block[this.#used] = low;
    this.#block[this.#used + 1] = high;
    this.#used += 2;
  }

  /** Adds an integer of up to 53 bits. */
  pushNumber(value: number): void {
    // `|` takes the lower 32 bits of any integer that a double holds exactly.
    this.push(value | 0, Math.floor(value / TWO_32));
  }

  /** Adds an integer of 64 bits. */
  pushBigInt(value: bigint): void {
    this.push(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  /**
   * Adds `upper` × 10⁹ + `lower`, or its negative; both are at least 0, `upper` below 10¹⁰ and `lower` below 10⁹. Gives false,
   * and adds nothing, if it is beyond 64 bits.
   */
  pushDecimal(isNegative: boolean, upper: number, lower: number): boolean {
    // Products of doubles are exact up to 2⁵³, so `upper` is taken in parts of 16 bits.
    const low = (upper % 0x1_0000) * BILLION + lower;
    const high = Math.floor(upper / 0x1_0000) * BILLION;
    const sum = (high % 0x1_0000) * 0x1_0000 + low;
    const lowHalf = sum | 0;
    const highHalf = Math.floor(high / 0x1_0000) + Math.floor(sum / TWO_32);
    const limit = 2 ** 31;
    if (highHalf >= limit && !(isNegative && highHalf === limit && lowHalf === 0)) {
      return false;
    }
    if (isNegative) {
      this.push(-lowHalf | 0, lowHalf === 0 ? -highHalf | 0 : ~highHalf);
    } else {
      this.push(lowHalf, highHalf);
    }
    return true;
  }

  /** The integer at this place, from 0. */
  at(index: number): bigint {
    let rest = index;
    for (const block of this.blocks()) {
      if (2 * rest < block.length) {
        return integerAt(block, 2 * rest);
      }
      rest -= block.length / 2;
    }
    throw new RangeError(`the list has ${this.length} integers, and none at ${index}`);
  }

  /** The first integers, at most so many. */
  first(limit: number): bigint[] {
    const values: bigint[] = [];
    for (const block of this.blocks()) {
      for (let at = 0; at < block.length && values.length < limit; at += 2) {
        values.push(integerAt(block, at));
      }
    }
    return values;
  }

  /** All of them, in order, in blocks of any size: for each integer the lower 32 bits, then the upper. */
  *blocks(): Iterable<Int32Array> {
    yield* this.#blocks;
    yield this.#block.subarray(0, this.#used);
  }

  #nextBlock(): void {
    this.#blocks.push(this.#block);
    this.#before += this.#used / 2;
    this.#block = new Int32Array(Math.min(2 * this.#block.length, 2 * LARGEST_BLOCK));
    this.#used = 0;
  }
}

function integerAt(block: Int32Array, at: number): bigint {
  return (BigInt(block[at + 1] ?? 0) << 32n) | BigInt((block[at] ?? 0) >>> 0);
}
