// The bars of the histogram.

import { fullestOf, type Layout } from "./Chart";
import { binPlace, type Shape } from "./shape";

// A bin with anything in it is visible, however full the others are.
const LEAST_PX = 2;

/** A bar for each bin. */
export function Bars({ shape, layout }: { readonly shape: Shape; readonly layout: Layout }) {
  const { left, width, top, bottom } = layout;
  const highest = fullestOf(shape);
  // Gaps only while bars are wide enough to see them.
  const gap = width / shape.bins.length > 5 ? 1 : 0;
  return (
    <g class="bars">
      {shape.bins.map(({ count }, i) => {
        const [from, to] = binPlace(shape, i);
        const height = count === 0n ? 0 : Math.max(LEAST_PX, (Number(count) / highest) * (bottom - top));
        return (
          <rect
            key={i}
            x={left + from * width + gap / 2}
            y={bottom - height}
            width={Math.max(0, (to - from) * width - gap)}
            height={height}
          />
        );
      })}
    </g>
  );
}
