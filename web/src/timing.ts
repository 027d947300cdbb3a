// Draws where the time of a call went: one bar divided into parts, and the parts by name.

import type { Duration } from "@bufbuild/protobuf/wkt";
import type { Timing } from "../gen/compute/v1/compute_pb";
import { html } from "./dom";
import { formatMilliseconds, milliseconds } from "./format";

/** The drawing; undefined if the answer has no total. */
export function drawTiming(timing: Timing): DocumentFragment | undefined {
  if (timing.total === undefined) {
    return undefined;
  }
  const total = milliseconds(timing.total);
  const parts: [name: string, label: string, duration: Duration | undefined][] = [
    ["gateway", "Gateway and network", timing.gateway],
    ["request-queue", "Request queue", timing.requestQueue],
    ["work", "Worker", timing.work],
    ["reply-queue", "Reply queue", timing.replyQueue],
  ];

  const bar = html("div", { class: "parts-bar", "aria-hidden": "true" });
  const list = html("ul", { class: "parts" });
  for (const [name, label, duration] of parts) {
    // A part that is not known is counted under the gateway's.
    if (duration === undefined) {
      continue;
    }
    const ms = milliseconds(duration);
    const segment = html("span", { class: `part-${name}` });
    segment.style.flexGrow = String(total > 0 ? Math.max(0, ms) / total : 0);
    bar.append(segment);
    const swatch = html("span", { class: `swatch part-${name}`, "aria-hidden": "true" });
    const text = html("span", { class: "part-label" }, label);
    if (name === "work" && timing.compute !== undefined) {
      text.append(html("small", {}, `computing ${formatMilliseconds(milliseconds(timing.compute))}`));
    }
    list.append(
      html("li", { "data-part": name }, swatch, text, html("span", { class: "number" }, formatMilliseconds(ms))),
    );
  }
  list.append(
    html(
      "li",
      { class: "total", "data-part": "total" },
      html("span", { class: "part-label" }, "Total"),
      html("span", { class: "number" }, formatMilliseconds(total)),
    ),
  );
  const fragment = document.createDocumentFragment();
  fragment.append(bar, list);
  return fragment;
}
