// A text that comes in pieces, cut anywhere.

/** Puts the pieces of a text together for a scanner, which gives back the unfinished end of what it was given. */
export class Pieces {
  #kept = "";
  #waiting: string[] = [];
  #waitingLength = 0;

  /**
   * Takes the next piece. Gives the text to go on with: what was kept, and all that came since. Undefined: too little has come
   * yet. A scanner that waits for the end of something is not asked again before there is twice as much, so that it takes
   * linear time whatever the sizes of the pieces.
   */
  add(piece: string): string | undefined {
    this.#waiting.push(piece);
    this.#waitingLength += piece.length;
    return this.#waitingLength < this.#kept.length ? undefined : this.take();
  }

  /** The text to go on with, however little has come. */
  take(): string {
    const text = this.#kept + this.#waiting.join("");
    this.#kept = "";
    this.#waiting = [];
    this.#waitingLength = 0;
    return text;
  }

  /** Keeps the end of the text for the next time. */
  keep(end: string): void {
    this.#kept = end;
  }
}
