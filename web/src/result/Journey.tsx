// Where the time of a call went: one bar divided into the parts of its way, and the parts by name.

import { computed } from "@preact/signals";
import { duration } from "../language/format";
import { locale } from "../language/language";
import { formatDouble } from "../plain";
import { journeyOf, type Journey as JourneyParts, type Part } from "./parts";
import type { Outcome } from "./outcome";
import { journeyWords } from "./words";

const percents = computed(() => new Intl.NumberFormat(locale.value, { style: "percent" }));

/** The journey of a call, as far as it is known. */
export function Journey({ outcome }: { readonly outcome: Outcome }) {
  const journey = journeyOf(outcome);
  if (journey === undefined) {
    return null;
  }
  const text = journeyWords();
  const { parts, totalMs } = journey;
  const isOfLog = outcome.roundTripMs === undefined && !parts.some(({ name }) => name === "gateway");
  return (
    <section id="timing">
      <h3>{text.title}</h3>
      <Told journey={journey} />
      {parts.length > 0 && (
        <div class="journey-bar" aria-hidden="true">
          {parts.map(({ name, ms }) => (
            <span key={name} class={`journey-part ${name}`} style={{ flexGrow: shareOf(ms, parts) }} />
          ))}
        </div>
      )}
      <ul class="journey">
        {parts.map((part) => (
          <Row key={part.name} part={part} journey={journey} worker={outcome.worker} />
        ))}
        <li class="total" data-part="total">
          <span class="journey-name">{isOfLog ? text.totalOfLog : text.total}</span>
          <Time ms={totalMs} />
        </li>
      </ul>
    </section>
  );
}

// One sentence for those who do not want to read the bar.
function Told({ journey: { longest, totalMs } }: { readonly journey: JourneyParts }) {
  if (longest === undefined) {
    return null;
  }
  const { mostly, longest: longestPart } = journeyWords();
  return <p class="told">{longest.ms > totalMs / 2 ? mostly(longest.name) : longestPart(longest.name)}</p>;
}

interface RowProps {
  readonly part: Part;
  readonly journey: JourneyParts;
  readonly worker: string;
}

function Row({ part: { name, ms }, journey: { parts, computeMs }, worker }: RowProps) {
  const text = journeyWords();
  return (
    <li data-part={name}>
      <span class={`swatch journey-part ${name}`} aria-hidden="true" />
      <span class="journey-name">
        {text.parts[name]}
        {name === "work" && worker !== "" && <code id="worker">{worker}</code>}
        <small>
          {name === "work" ? computeMs !== undefined && text.computing(duration(computeMs)) : text.hints[name]}
        </small>
      </span>
      <span class="share">{percent(shareOf(ms, parts))}</span>
      <Time ms={ms} />
    </li>
  );
}

function Time({ ms }: { readonly ms: number }) {
  return (
    <data class="number" value={formatDouble(ms)}>
      {duration(ms)}
    </data>
  );
}

function shareOf(ms: number, parts: readonly Part[]): number {
  const sum = parts.reduce((sum, part) => sum + part.ms, 0);
  return sum === 0 ? 0 : ms / sum;
}

function percent(share: number): string {
  return share > 0 && share < 0.005 ? `< ${percents.value.format(0.01)}` : percents.value.format(share);
}
