// What the browser is told of the page: its title, by view and state, and its language.

import { effect } from "@preact/signals";
import { call } from "../call/call";
import { language } from "../language/language";
import { route } from "../route";
import { shellWords } from "./words";

/** The name of the page, the same in all languages. */
export const NAME = "Compute";

/** Keeps title and language as they should be, from now on. */
export function describeDocument(): void {
  effect(() => {
    document.documentElement.lang = language.value;
  });
  effect(() => {
    const subject = title();
    document.title = subject === undefined ? NAME : `${subject} – ${NAME}`;
  });
}

function title(): string | undefined {
  const { history, titles } = shellWords();
  const shown = route.value;
  switch (shown.view) {
    case "compute":
      return call.value.state === "idle" ? undefined : titles[call.value.state];
    case "history":
      return history;
    case "operation":
      return `${titles.operation} ${shown.id}`;
    case "unknown":
      return titles.unknown;
  }
}
