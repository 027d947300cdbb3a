// What to compute besides: quantiles, and the bins of the histogram.

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Field } from "./Field";
import { DEFAULT_BINS, readBins, readProbabilities, type Read } from "./options";
import { bins, quantiles, refused, violationsOf, type Input } from "./submit";
import { inputWords } from "./words";

export function Extras() {
  const text = inputWords();
  const isOpen = useSignal(quantiles.value !== "" || bins.value !== "");
  const quantilesFault = useFault("quantiles", readProbabilities(quantiles.value));
  const binsFault = useFault("bins", readBins(bins.value));
  const refusedInput = refused.value?.input;
  const mustOpen = quantilesFault.fault !== undefined || binsFault.fault !== undefined;
  const fields = { quantiles: useRef<HTMLInputElement>(null), bins: useRef<HTMLInputElement>(null) };
  useLayoutEffect(() => {
    if (refusedInput === "quantiles" || refusedInput === "bins") {
      fields[refusedInput].current?.focus();
    }
  }, [refused.value]);
  return (
    <details
      id="options"
      open={isOpen.value || mustOpen}
      onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}
    >
      <summary>{text.options}</summary>
      <div class="options">
        <Field
          id="quantiles"
          label={text.quantiles}
          hint={text.quantilesHint}
          placeholder="0.9, 0.99"
          inputMode="text"
          value={quantiles}
          field={fields.quantiles}
          {...quantilesFault}
        />
        <Field
          id="bins"
          label={text.bins}
          hint={text.binsHint}
          placeholder={String(DEFAULT_BINS)}
          inputMode="numeric"
          value={bins}
          field={fields.bins}
          {...binsFault}
        />
      </div>
    </details>
  );
}

// What is wrong with an input: what it says cannot be read, as soon as the input was left or the form was tried, or the
// gateway has refused it.
function useFault(input: Input, read: Read<unknown>) {
  const wasLeft = useSignal(false);
  const onLeave = () => void (wasLeft.value = true);
  if (!read.ok) {
    const isShown = wasLeft.value || refused.value?.input === input;
    return { onLeave, fault: isShown ? `${read.reason}.` : undefined };
  }
  const violations = violationsOf(input);
  return {
    onLeave,
    fault: violations.length > 0 ? violations.join("; ") : undefined,
    faultLanguage: "en" as const,
  };
}
