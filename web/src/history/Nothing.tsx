// What is said when there is no operation to list.

import { computed } from "@preact/signals";
import { locale } from "../language/language";
import { href } from "../route";
import { day } from "./listing";
import { historyWords } from "./words";

const days = computed(() => new Intl.DateTimeFormat(locale.value, { dateStyle: "long", timeZone: "UTC" }));

export function Nothing() {
  const text = historyWords();
  if (day.value !== "") {
    return (
      <div class="history-nothing" data-testid="history-empty">
        <strong>{text.emptyDay(days.value.format(new Date(day.value)))}</strong>
        <p>{text.emptyDaySentence}</p>
      </div>
    );
  }
  return (
    <div class="history-nothing" data-testid="history-empty">
      <strong>{text.empty}</strong>
      <p>{text.emptySentence}</p>
      <a href={href({ view: "compute" })}>{text.start}</a>
    </div>
  );
}
