// The drawing of a distribution: labels on top, the box plot under them, then the histogram and the axis.

import { ticks } from "d3-array";
import { locale } from "../../language/language";
import { axisTicks, brief, within, type Tick } from "./axis";
import { BinExplorer } from "./BinExplorer";
import { BoxPlot } from "./BoxPlot";
import { labelMarks, ROW_PX } from "./markLabels";
import { Bars } from "./Bars";
import { textWidth, useWidth } from "./measure";
import type { Shape } from "./shape";
import { chartWords } from "../words";

const BOX_PX = 40;
const BARS_PX = 150;
const AXIS_PX = 26;
/** Room for half a line at the ends of the axis. */
const SIDE_PX = 3;

/** Where things are in the drawing, in pixels. */
export interface Layout {
  readonly left: number;
  readonly width: number;
  /** The middle of the box plot. */
  readonly box: number;
  readonly top: number;
  readonly bottom: number;
}

interface ChartProps {
  readonly shape: Shape;
  /** The drawing in words. */
  readonly label: string;
}

/** Draws a distribution as wide as there is room. */
export function Chart({ shape, label }: ChartProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  return (
    <div class="chart" ref={ref}>
      {width.value > 0 && <Drawing shape={shape} label={label} width={width.value} />}
    </div>
  );
}

function Drawing({ shape, label, width }: ChartProps & { readonly width: number }) {
  const counts = countTicks(shape);
  const left = SIDE_PX + Math.max(0, ...counts.map(({ text }) => textWidth(text) + 8));
  const inner = width - left - SIDE_PX;
  const labels = labelMarks(shape, inner, locale.value, chartWords());
  const box = labels.rows * ROW_PX + BOX_PX / 2;
  const top = labels.rows * ROW_PX + BOX_PX;
  const bottom = top + (shape.bins.length > 0 ? BARS_PX : 0);
  const layout = { left, width: inner, box, top, bottom };
  return (
    <>
      <svg class="distribution" width={width} height={bottom + AXIS_PX} role="img" aria-label={label}>
        <CountAxis ticks={counts} layout={layout} />
        <Bars shape={shape} layout={layout} />
        <ValueAxis ticks={valueTicks(shape, inner)} layout={layout} />
        <BoxPlot shape={shape} layout={layout} labels={labels} />
      </svg>
      {shape.bins.length > 0 && <BinExplorer shape={shape} layout={layout} />}
    </>
  );
}

function CountAxis({ ticks, layout: { left, width, top, bottom } }: AxisProps) {
  return (
    <g class="count-axis">
      {ticks.map(({ at, text }) => {
        const y = bottom - at * (bottom - top);
        return (
          <g key={text}>
            <line x1={left} x2={left + width} y1={y} y2={y} />
            <text x={left - 8} y={y} dy="0.35em" text-anchor="end">
              {text}
            </text>
          </g>
        );
      })}
    </g>
  );
}

function ValueAxis({ ticks, layout: { left, width, bottom } }: AxisProps) {
  return (
    <g class="value-axis">
      <line x1={left} x2={left + width} y1={bottom} y2={bottom} />
      {ticks.map(({ at, text }) => {
        const x = at * width;
        return (
          <g key={text}>
            <line x1={left + x} x2={left + x} y1={bottom} y2={bottom + 5} />
            <text x={left + within(x, textWidth(text), width)} y={bottom + 19}>
              {text}
            </text>
          </g>
        );
      })}
    </g>
  );
}

interface AxisProps {
  readonly ticks: readonly Tick[];
  readonly layout: Layout;
}

/** The height of the drawing in values: the fullest bin. */
export function fullestOf(shape: Shape): number {
  return shape.bins.reduce((highest, { count }) => Math.max(highest, Number(count)), 0);
}

function countTicks(shape: Shape): readonly Tick[] {
  const highest = fullestOf(shape);
  const values = ticks(0, highest, 3).filter((value) => Number.isInteger(value) && value > 0);
  const write = brief(locale.value, highest, values[0] ?? 1);
  return values.map((value) => ({ at: value / highest, text: write(value) }));
}

// Where values cannot be told apart as doubles there is nothing to count by: the labels of min and max are the axis.
function valueTicks({ low, high, isTooFine }: Shape, width: number): readonly Tick[] {
  return isTooFine || low === high ? [] : axisTicks(low, high, locale.value, width, textWidth);
}
