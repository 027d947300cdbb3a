// Draws a histogram: one bar a bin, and the same numbers as a table.

import type { Histogram } from "../gen/compute/v1/compute_pb";
import { html, svg } from "./dom";
import { formatDouble } from "./format";

// Height of the drawing in its own units; it is stretched to its box.
const HEIGHT = 100;

/** The drawing, its axis and the table. */
export function drawHistogram(histogram: Histogram): DocumentFragment {
  const { counts, edges } = histogram;
  const bins = counts.map((count, i) => ({
    count,
    range: `${formatDouble(edges[i] ?? Number.NaN)} to ${formatDouble(edges[i + 1] ?? Number.NaN)}`,
  }));
  const highest = counts.reduce((a, b) => (a > b ? a : b), 0n);
  const fullest = bins.find((bin) => bin.count === highest);

  const chart = svg("svg", {
    class: "histogram",
    viewBox: `0 0 ${bins.length} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": `${bins.length} bins; the fullest, ${fullest?.range}, holds ${highest} values`,
  });
  // Gaps between bars only while bars are wide enough to see them.
  const gap = bins.length > 100 ? 0 : 0.08;
  bins.forEach(({ count, range }, i) => {
    const height = barHeight(count, highest);
    const bar = { x: i + gap / 2, y: HEIGHT - height, width: 1 - gap, height };
    chart.append(svg("rect", bar, svg("title", {}, `${range}: ${count}`)));
  });

  const axis = html(
    "div",
    { class: "axis" },
    html("span", {}, formatDouble(edges[0] ?? Number.NaN)),
    html("span", {}, `highest bar: ${highest}`),
    html("span", {}, formatDouble(edges[edges.length - 1] ?? Number.NaN)),
  );

  const fragment = document.createDocumentFragment();
  fragment.append(chart, axis, table(bins));
  return fragment;
}

// A bin with anything in it is visible, however high the others are.
function barHeight(count: bigint, highest: bigint): number {
  if (count === 0n) {
    return 0;
  }
  return Math.max(1, (Number(count) / Number(highest)) * HEIGHT);
}

function table(bins: readonly { readonly range: string; readonly count: bigint }[]): HTMLElement {
  const head = html("tr", {}, html("th", { scope: "col" }, "Bin"), html("th", { scope: "col" }, "Values"));
  const rows = bins.map(({ range, count }) =>
    html("tr", {}, html("td", {}, range), html("td", { "data-testid": "bin-count" }, String(count))),
  );
  return html(
    "details",
    {},
    html("summary", {}, "As a table"),
    html(
      "div",
      { class: "scroll", tabindex: "0", role: "group", "aria-label": "Bins" },
      html("table", {}, html("thead", {}, head), html("tbody", {}, ...rows)),
    ),
  );
}
