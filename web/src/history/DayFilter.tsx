// Chooses the day whose operations are listed.

import { choose, day } from "./listing";
import { dayOf, now } from "./time";
import { historyWords } from "./words";

export function DayFilter() {
  const text = historyWords();
  return (
    <div class="history-day">
      <label for="day">{text.day}</label>
      <input
        type="date"
        id="day"
        max={dayOf(new Date(now.value))}
        value={day.value}
        onChange={(event) => choose(event.currentTarget.value)}
      />
      <button type="button" id="all-days" class="quiet" hidden={day.value === ""} onClick={() => choose("")}>
        {text.allDays}
      </button>
    </div>
  );
}
