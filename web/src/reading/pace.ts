// The pace of a long reading: it tells how far it is, and lets messages in.

// A message waits no longer than this.
const STRETCH_MS = 25;

/** The pace of one reading. */
export class Pace {
  readonly #signal: AbortSignal;
  readonly #progress: (fraction: number) => void;
  #rested = performance.now();

  /** `progress` is told the share that is read, from 0 to 1. */
  constructor(signal: AbortSignal, progress: (fraction: number) => void) {
    this.#signal = signal;
    this.#progress = progress;
  }

  /** The pace of a part of it, which is over from one share to another. */
  stage(from: number, to: number): Pace {
    return new Pace(this.#signal, (fraction) => this.#progress(from + fraction * (to - from)));
  }

  /** Rests when it is time to. Throws the signal's reason, an `AbortError`, once the reading is given up. */
  async rest(fraction: number): Promise<void> {
    if (performance.now() - this.#rested >= STRETCH_MS) {
      this.#progress(fraction);
      await new Promise((resolve) => setTimeout(resolve));
      this.#rested = performance.now();
    }
    this.#signal.throwIfAborted();
  }
}
