// The operations that were started in this tab. They stand in the history at once, before the log has them; one that timed
// out stays there, marked, until its result has come. They outlive a reload of the page.

import { signal } from "@preact/signals";

export interface Own {
  /** Tells it from the others in this tab. */
  readonly key: string;
  /** Undefined while no answer has named it. */
  readonly operationId: string | undefined;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** How many values the list has. */
  readonly count: number;
  /** `late`: the call has ended without an answer, and the operation goes on. */
  readonly state: "computing" | "done" | "late" | "failed" | "cancelled";
}

/** The newest first. */
export const own = signal<readonly Own[]>([]);

/** Notes that a call over so many values was started; gives its key. */
export declare function begin(count: number): string;

/** Notes how it ended. */
export declare function end(
  key: string,
  state: Exclude<Own["state"], "computing">,
  operationId: string | undefined,
): void;
