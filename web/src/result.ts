// Shows the answer of a call.

import type { ComputeResponse, Statistics } from "../gen/compute/v1/compute_pb";
import { byId, figure } from "./dom";
import { formatDouble } from "./format";
import { drawHistogram } from "./histogram";
import { summary } from "./summary";
import { drawTiming } from "./timing";

/** Fills the result section with the answer to a call over `values`. */
export function showResult(values: readonly bigint[], response: ComputeResponse, statistics: Statistics): void {
  const { min, max, median, mean, count, sum, variance, stdDev } = statistics;
  byId("key-figures", HTMLDListElement).replaceChildren(
    statistic("min", "Min", String(min)),
    statistic("max", "Max", String(max)),
    statistic("median", "Median", formatDouble(median)),
    statistic("mean", "Mean", formatDouble(mean)),
  );
  byId("figures", HTMLDListElement).replaceChildren(
    statistic("count", "Count", String(count)),
    statistic("sum", "Sum", sum),
    statistic("std_dev", "Standard deviation", formatDouble(stdDev)),
    statistic("variance", "Variance", formatDouble(variance)),
  );
  showQuantiles(statistics);
  showHistogram(statistics);
  byId("summary", HTMLPreElement).textContent = summary(values, statistics);
  showTiming(response);
  byId("operation-id", HTMLElement).textContent = response.operationId;
  byId("worker", HTMLElement).textContent = response.worker;
}

// A longer number is set smaller, so that one of 64 bits does not break over three lines.
const LONG = 10;

function statistic(name: string, label: string, value: string): HTMLElement {
  return figure(label, value, { "data-stat": name, ...(value.length > LONG ? { class: "long" } : {}) });
}

function showQuantiles({ quantiles }: Statistics): void {
  byId("quantiles-result", HTMLElement).hidden = quantiles.length === 0;
  byId("quantile-figures", HTMLDListElement).replaceChildren(
    ...quantiles.map(({ probability, value }) => {
      const name = formatDouble(probability);
      return figure(name, formatDouble(value), { "data-quantile": name });
    }),
  );
}

function showHistogram({ histogram }: Statistics): void {
  byId("histogram", HTMLElement).hidden = histogram === undefined;
  byId("histogram-chart", HTMLElement).replaceChildren(...(histogram === undefined ? [] : [drawHistogram(histogram)]));
}

function showTiming({ timing }: ComputeResponse): void {
  const drawing = timing === undefined ? undefined : drawTiming(timing);
  byId("timing", HTMLElement).hidden = drawing === undefined;
  byId("timing-parts", HTMLElement).replaceChildren(...(drawing === undefined ? [] : [drawing]));
}
