// The box plot, and the lines of median and mean down through the histogram.

import type { Layout } from "./Chart";
import { ROW_PX, type MarkLabels } from "./markLabels";
import type { MarkName, Shape } from "./shape";

const BOX_HALF_PX = 10;
const CAP_HALF_PX = 6;
const DIAMOND_PX = 4.5;

interface BoxPlotProps {
  readonly shape: Shape;
  readonly layout: Layout;
  readonly labels: MarkLabels;
}

/** Whiskers to the smallest and the largest value, a box from quartile to quartile, median and mean. */
export function BoxPlot({ shape, layout, labels }: BoxPlotProps) {
  const { left, width, box: y, top, bottom } = layout;
  const places = new Map<MarkName, number>(shape.marks.map(({ name, at }) => [name, left + at * width]));
  const [min, max] = [places.get("min") ?? left, places.get("max") ?? left];
  const [lower, upper] = [places.get("lowerQuartile"), places.get("upperQuartile")];
  const [median, mean] = [places.get("median"), places.get("mean")];
  return (
    <g class="box-plot">
      <Leaders layout={layout} labels={labels} />
      <path class="whisker" d={`M${min} ${y}H${max}${cap(min, y)}${cap(max, y)}`} />
      {lower !== undefined && upper !== undefined && (
        <rect class="box" x={lower} y={y - BOX_HALF_PX} width={Math.max(1, upper - lower)} height={2 * BOX_HALF_PX} />
      )}
      {median !== undefined && (
        <>
          <Through kind="median" x={median} y1={top} y2={bottom} />
          <line class="median" x1={median} x2={median} y1={y - BOX_HALF_PX} y2={y + BOX_HALF_PX} />
        </>
      )}
      {mean !== undefined && (
        <>
          <Through kind="mean" x={mean} y1={top} y2={bottom} />
          <path class="mean" d={diamond(mean, y)} />
        </>
      )}
    </g>
  );
}

// From a mark up to its label.
function Leaders({ layout: { left, box }, labels: { rows, labels } }: Pick<BoxPlotProps, "layout" | "labels">) {
  return (
    <g class="mark-labels">
      {labels.map(({ x, name, value, row, start }) => {
        const y = (rows - row) * ROW_PX - 5;
        return (
          <g key={name}>
            <line x1={left + x} x2={left + x} y1={y - 10} y2={box - BOX_HALF_PX} />
            <text x={left + start} y={y}>
              {name} <tspan>{value}</tspan>
            </text>
          </g>
        );
      })}
    </g>
  );
}

// A line over bars of any colour: its halo sets it off.
function Through({
  kind,
  x,
  y1,
  y2,
}: {
  readonly kind: string;
  readonly x: number;
  readonly y1: number;
  readonly y2: number;
}) {
  return y1 === y2 ? null : (
    <>
      <line class="halo" x1={x} x2={x} y1={y1} y2={y2} />
      <line class={`through ${kind}`} x1={x} x2={x} y1={y1} y2={y2} />
    </>
  );
}

function cap(x: number, y: number): string {
  return `M${x} ${y - CAP_HALF_PX}V${y + CAP_HALF_PX}`;
}

function diamond(x: number, y: number): string {
  return `M${x - DIAMOND_PX} ${y}L${x} ${y - DIAMOND_PX}L${x + DIAMOND_PX} ${y}L${x} ${y + DIAMOND_PX}Z`;
}
