// What the form asks for, and when it is sent.

import { computed, effect, signal, untracked } from "@preact/signals";
import { call } from "../call/call";
import { cancelCall, startCall } from "../call/start";
import { list, type List } from "./list";
import { edition, readAgain } from "./source";
import { readBins, readProbabilities, withQuartiles } from "./options";

/** The optional inputs, as they are written. */
export const quantiles = signal("");
export const bins = signal("");

// The list for which computing was asked while it is still read.
const awaited = signal<number | undefined>(undefined);

/** Whether computing was asked for while the list is still read: it starts by itself when it is. */
export const waiting = computed(() => awaited.value !== undefined);

/** An input of the form. */
export type Input = "values" | "quantiles" | "bins";

/** The input that kept the form from being sent when that was last tried; a new object for each try. */
export const refused = signal<{ readonly input: Input } | undefined>(undefined);

// What the last call was asked with: what the gateway says against a field holds while the field is as it was.
const sent = signal<{ readonly list: List; readonly quantiles: string; readonly bins: string } | undefined>(undefined);

/** Sends the form, or shows what keeps it from being sent. While the list is read, waits for it. */
export function submit(): void {
  if (call.value.state === "computing") {
    return;
  }
  const probabilities = readProbabilities(quantiles.value);
  const number = readBins(bins.value);
  if (isLost()) {
    readAgain();
  }
  if (list.value.kind === "reading") {
    awaited.value = edition.value;
  } else if (list.value.kind !== "list") {
    refused.value = { input: "values" };
  } else if (!probabilities.ok) {
    refused.value = { input: "quantiles" };
  } else if (!number.ok) {
    refused.value = { input: "bins" };
  } else {
    refused.value = undefined;
    sent.value = { list: list.value, quantiles: quantiles.value, bins: bins.value };
    startCall({ quantiles: withQuartiles(probabilities.value), bins: number.value });
  }
}

// Whether the thread that holds the list has died in the last call, and the list with it.
function isLost(): boolean {
  return (
    call.value.state === "failed" && call.value.failure.reason === "PAGE_FAILED" && sent.value?.list === list.value
  );
}

/** Gives up what was asked for: the call under way, or the wait for the list. */
export function giveUp(): void {
  awaited.value = undefined;
  cancelCall();
}

/** What the gateway said against an input, in its words, while that is as it was sent. */
export function violationsOf(input: Input): readonly string[] {
  if (call.value.state !== "failed" || sent.value === undefined) {
    return [];
  }
  const isAsSent = {
    values: list.value === sent.value.list,
    quantiles: quantiles.value === sent.value.quantiles,
    bins: bins.value === sent.value.bins,
  };
  const inRequest = { values: "values", quantiles: "quantiles", bins: "histogram" };
  // The path of a field starts with its name in the request: `quantiles[1]`, `histogram.bins`.
  return call.value.failure.violations
    .filter(({ field }) => isAsSent[input] && field.split(/[.[]/)[0] === inRequest[input])
    .map(({ description }) => description);
}

effect(() => {
  if (awaited.value === undefined) {
    return;
  }
  const isAnother = awaited.value !== edition.value;
  if (isAnother || list.value.kind !== "reading") {
    awaited.value = undefined;
  }
  if (!isAnother && list.value.kind !== "reading") {
    untracked(submit);
  }
});
