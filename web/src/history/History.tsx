// The operations in the log, newest first.

import { untracked, useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { announce } from "../shell/announce";
import { DayFilter } from "./DayFilter";
import { followOwn } from "./late";
import {
  arrivals,
  failsAtEnd,
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
import { comeBack, toTop } from "./position";
import { startClock } from "./time";
import { Trouble } from "./Trouble";
import { isVisible } from "./visible";
import { historyWords } from "./words";

// How often the log is asked for new operations, and times are told anew.
const LOOK_MS = 10_000;
const CLOCK_MS = 10_000;

export function History() {
  const text = historyWords();
  useLayoutEffect(() => {
    // Nothing moves for whoever comes back; what is new waits.
    if (!comeBack()) {
      void refresh();
    }
  }, []);
  useEffect(followOwn, []);
  useSignalEffect(() => (isVisible.value ? untracked(keepLooking) : undefined));
  const isEmpty = rows.value.length === 0 && nextPage.value !== undefined;
  const trouble = failure.value !== undefined && <Trouble failure={failure.value} onRetry={retry} />;
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
      {(arrivals.value.length > 0 || isFarBehind.value) && <Arrivals />}
      {!failsAtEnd.value && trouble}
      {isEmpty ? <Nothing /> : <OperationTable />}
      {failsAtEnd.value && trouble}
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

/** Offers the operations that others have made meanwhile. */
function Arrivals() {
  const text = historyWords();
  const count = isFarBehind.value ? text.manyArrivals : text.arrivals(arrivals.value.length);
  useEffect(() => announce(count), []);
  const show = () => {
    showArrivals();
    toTop();
  };
  return (
    <button type="button" id="arrivals" class="history-arrivals" onClick={show}>
      {count}
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
