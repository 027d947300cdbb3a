// The operations in the log, newest first.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { DayFilter } from "./DayFilter";
import { followOwn } from "./late";
import {
  arrivals,
  failure,
  isFarBehind,
  isLoading,
  loadMore,
  look,
  nextPage,
  operations,
  refresh,
  retry,
  rows,
  showArrivals,
} from "./listing";
import { Nothing } from "./Nothing";
import { OperationTable } from "./OperationTable";
import { comeBack } from "./position";
import { startClock } from "./time";
import { Trouble } from "./Trouble";
import { isVisible } from "./visible";
import { historyWords } from "./words";

// How often the log is asked for new operations, and times are told anew.
const LOOK_MS = 10_000;
const CLOCK_MS = 10_000;

export function History() {
  const text = historyWords();
  useLayoutEffect(comeBack, []);
  useEffect(() => void refresh(), []);
  useEffect(followOwn, []);
  useSignalEffect(() => (isVisible.value ? keepLooking() : undefined));
  const isEmpty = rows.value.length === 0 && nextPage.value !== undefined;
  return (
    <section id="history" class="card" aria-labelledby="history-title" aria-busy={isLoading.value}>
      <header class="history-head">
        <div>
          <h2 id="history-title">{text.title}</h2>
          <p>{text.intro}</p>
        </div>
        <DayFilter />
        <button type="button" id="refresh" class="secondary" onClick={() => void refresh()}>
          {text.refresh}
        </button>
      </header>
      <Arrivals />
      {isEmpty ? <Nothing /> : <OperationTable />}
      {failure.value !== undefined && <Trouble failure={failure.value} onRetry={retry} />}
      <More />
    </section>
  );
}

function keepLooking(): () => void {
  void look();
  const timer = setInterval(() => void look(), LOOK_MS);
  const stopClock = startClock(CLOCK_MS);
  return () => {
    clearInterval(timer);
    stopClock();
  };
}

function Arrivals() {
  const text = historyWords();
  const count = arrivals.value.length;
  if (count === 0 && !isFarBehind.value) {
    return null;
  }
  return (
    <button type="button" id="arrivals" class="history-arrivals" onClick={showArrivals}>
      {isFarBehind.value ? text.manyArrivals : text.arrivals(count)}
      <span aria-hidden="true"> · </span>
      <strong>{text.show}</strong>
    </button>
  );
}

/** The end of the list: more comes when it is scrolled to, or asked for. */
function More() {
  const text = historyWords();
  const button = useRef<HTMLButtonElement>(null);
  const isThere = nextPage.value !== undefined && nextPage.value !== "";
  const isAsked = isThere && !isLoading.value && failure.value === undefined;
  useEffect(() => {
    if (button.current === null || !isAsked) {
      return;
    }
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) {
          void loadMore();
        }
      },
      { rootMargin: "600px" },
    );
    observer.observe(button.current);
    return () => observer.disconnect();
  }, [isAsked, operations.value.length]);
  if (isThere) {
    return (
      <button ref={button} type="button" id="more" class="secondary" onClick={() => void loadMore()}>
        {isLoading.value ? text.loading : text.more}
      </button>
    );
  }
  const count = operations.value.length;
  return nextPage.value === "" && count > 0 ? <p class="history-end">{text.end(count)}</p> : null;
}
