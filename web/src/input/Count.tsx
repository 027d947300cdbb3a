// The line below the list: how many integers were read and which, or the first thing that is wrong.

import { useEffect, useRef } from "preact/hooks";
import { visible } from "../plain";
import { announce } from "../shell/announce";
import type { SettledList } from "./list";
import { preview } from "./preview";
import { inputWords } from "./words";

// A screen reader is told when typing pauses, and not at each key.
const PAUSE_MS = 800;

/** The line. `list` is undefined while a list is read that takes its time. */
export function Count({ list, isRefused }: { readonly list: SettledList | undefined; readonly isRefused: boolean }) {
  const said = sentence(list, isRefused);
  const isQuestion = list?.kind === "empty" || list?.kind === "columns";
  const isBad = list !== undefined && list.kind !== "list" && (!isQuestion || isRefused);
  useAnnounced(said);
  return (
    <p id="count" class={isBad ? "count bad" : "count"} data-testid="count" data-count={countOf(list)}>
      {said}
    </p>
  );
}

function sentence(list: SettledList | undefined, isRefused: boolean): string {
  const text = inputWords();
  switch (list?.kind) {
    case undefined:
      return text.reading;
    case "empty":
      return isRefused ? text.needList : text.none;
    case "list":
      return text.count(list.list.count, preview(list.list));
    case "bad": {
      const [first] = list.problems;
      return first === undefined ? "" : text.problem(visible(first.token), first);
    }
    case "columns":
      return isRefused ? text.needColumn : text.chooseColumn;
    case "too-many":
      return text.tooMany(list.limit);
    case "unreadable":
      return text.unreadable[list.why];
    case "failed":
      return text.readerFailed;
  }
}

function countOf(list: SettledList | undefined): number | undefined {
  return list?.kind === "list" ? list.list.count : list?.kind === "empty" ? 0 : undefined;
}

function useAnnounced(said: string): void {
  const last = useRef(said);
  useEffect(() => {
    if (said === last.current) {
      return;
    }
    const timer = setTimeout(() => {
      last.current = said;
      announce(said);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [said]);
}
