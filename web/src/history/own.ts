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

const KEY = "compute.own";

/** This many are remembered. */
export const MOST_OWN = 200;

const STATES: readonly unknown[] = ["computing", "done", "late", "failed", "cancelled"] satisfies Own["state"][];

/** The newest first. */
export const own = signal<readonly Own[]>(restored());

let begun = 0;

/** Notes that a call over so many values was started; gives its key. */
export function begin(count: number): string {
  const startedAt = Date.now();
  const key = `${startedAt}-${++begun}`;
  remember([{ key, operationId: undefined, startedAt, count, state: "computing" }, ...own.value]);
  return key;
}

/** Notes how it ended. */
export function end(key: string, state: Exclude<Own["state"], "computing">, operationId: string | undefined): void {
  remember(own.value.map((one) => (one.key === key ? { ...one, state, operationId } : one)));
}

/** Notes that the operation, if it is one of this tab, has come to its end; tells whether it was late until now. */
export function arrived(operationId: string, state: "done" | "failed"): boolean {
  const mine = own.value.find((one) => one.operationId === operationId);
  if (mine?.state !== "late") {
    return false;
  }
  end(mine.key, state, operationId);
  return true;
}

function remember(all: readonly Own[]): void {
  own.value = all.slice(0, MOST_OWN);
  sessionStorage.setItem(KEY, JSON.stringify(own.value));
}

// A call that was under way when the page was left has ended with it, but its operation has not.
function restored(): readonly Own[] {
  try {
    const all: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(all)
      ? all.filter(isOwn).map((one) => (one.state === "computing" ? { ...one, state: "late" } : one))
      : [];
  } catch {
    return [];
  }
}

function isOwn(value: unknown): value is Own {
  const one = (value ?? {}) as Partial<Record<keyof Own, unknown>>;
  return (
    typeof one.key === "string" &&
    (one.operationId === undefined || typeof one.operationId === "string") &&
    typeof one.startedAt === "number" &&
    typeof one.count === "number" &&
    STATES.includes(one.state)
  );
}
