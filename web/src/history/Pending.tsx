// The wait for the result of an operation.

import { useEffect } from "preact/hooks";
import type { Failure } from "../api/failure";
import { createTimeOf } from "../operation-id";
import { exactly, lasting, now, startClock } from "./time";
import { historyWords } from "./words";

const TICK_MS = 1_000;
// A call waits no longer than this for its answer.
const LONG_MS = 15 * 60_000;

interface PendingProps {
  readonly id: string;
  /** Why the gateway does not tell just now. */
  readonly failure: Failure | undefined;
  readonly isWaiting: boolean;
  readonly onWait: (wait: boolean) => void;
}

export function Pending({ id, failure, isWaiting, onWait }: PendingProps) {
  const text = historyWords();
  useEffect(() => (isWaiting ? startClock(TICK_MS) : undefined), [isWaiting]);
  const made = createTimeOf(id);
  const ms = now.value - (made?.getTime() ?? now.value);
  return (
    <section class="card operation-pending" data-waiting={isWaiting ? "" : undefined} data-testid="pending">
      <h2>{isWaiting ? text.pending : text.stopped}</h2>
      <p>{isWaiting ? text.pendingSentence : text.stoppedSentence}</p>
      {isWaiting && (ms < LONG_MS ? <p>{text.pendingHint}</p> : <p data-testid="long">{text.pendingLong}</p>)}
      {isWaiting && failure !== undefined && (
        <p class="bad" role="status">
          {text.interrupted}
        </p>
      )}
      <dl class="operation-facts">
        {made !== undefined && (
          <div>
            <dt>{isWaiting ? text.since : text.created}</dt>
            <dd>
              <time dateTime={made.toISOString()} title={exactly(made)} data-testid="since">
                {isWaiting ? lasting(ms) : exactly(made)}
              </time>
            </dd>
          </div>
        )}
        <div>
          <dt>{text.operation}</dt>
          <dd class="mono">{id}</dd>
        </div>
      </dl>
      <button type="button" id="wait" class="secondary" onClick={() => onWait(!isWaiting)}>
        {isWaiting ? text.stop : text.resume}
      </button>
    </section>
  );
}
