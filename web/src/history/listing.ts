// The operations of the log, as far as they are listed. They stay here while one of them is looked at, so that its way back
// leads to where it was.

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { ListOperationsResponse, Operation } from "../../gen/compute/v1/compute_pb";
import { Code } from "@connectrpc/connect";
import { failureOf, type Failure } from "../api/failure";
import { idIn, idOf, listOperations } from "../api/operations";
import { token } from "../api/token";
import { announce } from "../shell/announce";
import { own } from "./own";
import { merged, rowsOf } from "./rows";
import { createTimeOf } from "../operation-id";
import { dayOf } from "./time";
import { historyWords } from "./words";

// The first page is there soon, further ones are worth their way.
const FIRST_PAGE = 50;
const FURTHER_PAGE = 100;

/** The day, in UTC, whose operations are listed, such as `2026-11-24`; empty: any. */
export const day = signal("");

/** The operations, the newest first. */
export const operations = signal<readonly Operation[]>([]);

/** Newer ones that others have made since. They wait until somebody wants to see them: rows do not move by themselves. */
export const arrivals = signal<readonly Operation[]>([]);

/** There are more arrivals than one look finds. */
export const isFarBehind = signal(false);

/** What asks for the next page: undefined if no page is there yet, empty after the last one. */
export const nextPage = signal<string | undefined>(undefined);

/** The name of the last operation of the pages that are there, if there are more: the listing reaches down to it. */
export const reach = signal("");

/** Whether the log is being asked, and somebody waits for that. */
export const isLoading = signal(false);

/** Why the log did not tell what was asked for last. */
export const failure = signal<Failure | undefined>(undefined);

/** Whether that was a further page, which belongs at the end of the list. */
export const failsAtEnd = signal(false);

/** The rows of the history. */
export const rows = computed(() => {
  const since = createTimeOf(idIn(reach.value))?.getTime() ?? 0;
  return rowsOf(operations.value, own.value, { day: day.value, since });
});

// What is asked for belongs to this listing and ends with it.
let asking = new AbortController();

/** Lists from the start. What was there stays until the first page has come, if it is of the same day. */
export function restart(): void {
  asking.abort();
  asking = new AbortController();
  isLoading.value = false;
  void load("");
}

/** Lists the operations of a day, or of all days. */
export function choose(chosen: string): void {
  if (chosen === day.value) {
    return;
  }
  batch(() => {
    day.value = chosen;
    clear();
  });
  restart();
}

/** Loads the next page, if there is one and none is on its way. */
export async function loadMore(): Promise<void> {
  const pageToken = nextPage.value ?? "";
  if (!isLoading.value && nextPage.value !== "") {
    await load(pageToken);
  }
}

/** Asks once more for what failed. */
export function retry(): void {
  if (nextPage.value === undefined || failure.value?.code === Code.InvalidArgument) {
    restart();
  } else {
    failed();
  }
}

let failed: () => void = restart;

// Asks the log for something that somebody waits for.
async function ask(pageToken: string, pageSize: number, take: (page: ListOperationsResponse) => void): Promise<void> {
  const { signal } = asking;
  batch(() => {
    isLoading.value = true;
    failure.value = undefined;
    failsAtEnd.value = pageToken !== "";
  });
  try {
    const page = await listOperations({ pageToken, day: day.value, pageSize }, signal);
    if (!signal.aborted) {
      batch(() => {
        isLoading.value = false;
        take(page);
      });
    }
  } catch (thrown) {
    if (!signal.aborted) {
      batch(() => {
        isLoading.value = false;
        failure.value = failureOf(thrown);
      });
    }
  }
}

async function load(pageToken: string): Promise<void> {
  failed = () => void load(pageToken);
  await ask(pageToken, pageToken === "" ? FIRST_PAGE : FURTHER_PAGE, (page) => {
    if (pageToken === "") {
      clear();
    }
    operations.value = merged(operations.value, page.operations);
    nextPage.value = page.nextPageToken;
    reach.value = page.nextPageToken === "" ? "" : (page.operations.at(-1)?.name ?? reach.value);
    announce(historyWords().loaded(operations.value.length));
  });
}

function clear(): void {
  operations.value = [];
  arrivals.value = [];
  isFarBehind.value = false;
  nextPage.value = undefined;
  reach.value = "";
}

/** Asks for operations that are new, or that were not readable before, and puts them into the list. */
export async function refresh(): Promise<void> {
  if (nextPage.value === undefined) {
    restart();
  } else if (!isLoading.value) {
    failed = () => void refresh();
    await ask("", FURTHER_PAGE, (page) => {
      take(page);
      showArrivals();
    });
  }
}

/**
 * The same without a word. This tab's own operations are put into the list; others wait as arrivals. Nothing is said if it
 * fails, either: the next look may not.
 */
export async function look(): Promise<void> {
  const { signal } = asking;
  if (nextPage.value === undefined || isLoading.value) {
    return;
  }
  try {
    const page = await listOperations({ day: day.value, pageSize: FURTHER_PAGE }, signal);
    if (!signal.aborted) {
      batch(() => take(page));
    }
  } catch {
    // Somebody who wants to know asks for a refresh.
  }
}

function take({ operations: found, nextPageToken }: ListOperationsResponse): void {
  if (operations.value.length === 0 && found.length > 0) {
    restart();
    return;
  }
  const known = new Set([...operations.value, ...arrivals.value].map(({ name }) => name));
  // What comes after the last one is for the next page to bring.
  const fresh = found.filter(({ name }) => name > reach.value && !known.has(name));
  // Where nothing is known already, there may be others between these and the first of the list.
  isFarBehind.value ||= nextPageToken !== "" && fresh.length === found.length;
  const owned = new Set(own.value.map(({ operationId }) => operationId));
  const isOwn = (operation: Operation) => owned.has(idOf(operation));
  arrivals.value = merged(
    arrivals.value,
    fresh.filter((operation) => !isOwn(operation)),
  );
  operations.value = merged(operations.value, fresh.filter(isOwn));
}

/** Puts the arrivals into the list. */
export function showArrivals(): void {
  if (isFarBehind.value) {
    restart();
    return;
  }
  batch(() => {
    operations.value = merged(operations.value, arrivals.value);
    arrivals.value = [];
  });
}

/** Puts an operation into the list that was found in another way, if it belongs there. */
export function put(operation: Operation): void {
  const made = createTimeOf(idOf(operation));
  if (day.value === "" || (made !== undefined && dayOf(made) === day.value)) {
    operations.value = merged(operations.value, [operation]);
  }
}

// Whoever shows another token sees other operations.
let shown = token.value;
effect(() => {
  if (token.value !== shown) {
    shown = token.value;
    untracked(() => {
      clear();
      restart();
    });
  }
});
