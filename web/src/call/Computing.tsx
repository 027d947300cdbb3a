// A call under way.

import { runningTime, useElapsed } from "./elapsed";
import { callWords } from "./words";

// When a call has taken long enough for a word about it.
const WAITING_MS = 2_000;
const LONG_MS = 8_000;

interface Props {
  readonly startedAt: number;
  readonly count: number;
  readonly timeoutMs: number;
}

export function Computing({ startedAt, count, timeoutMs }: Props) {
  const text = callWords();
  const elapsed = useElapsed(startedAt);
  return (
    <section class="card call-computing" aria-busy="true">
      <h2>{text.computing}</h2>
      <p class="call-elapsed" data-testid="elapsed" aria-hidden="true">
        {runningTime(elapsed)}
      </p>
      <ol class="call-journey" aria-hidden="true">
        {[text.page, text.gateway, text.queue, text.worker].map((station) => (
          <li key={station}>{station}</li>
        ))}
      </ol>
      <p class="call-word">{word(elapsed, count, timeoutMs)}</p>
    </section>
  );
}

function word(elapsed: number, count: number, timeoutMs: number): string {
  const text = callWords();
  if (count === 0) {
    return text.reading;
  }
  if (elapsed < WAITING_MS) {
    return text.sent(count);
  }
  return elapsed < LONG_MS ? text.waiting(count) : text.long(timeoutMs);
}
