// Shows the numbers of one bin: the one under the pointer or finger, or the one that the arrow keys have chosen.

import { useSignal } from "@preact/signals";
import { integer } from "../../language/format";
import { locale } from "../../language/language";
import { briefEdges } from "./axis";
import type { Layout } from "./Chart";
import { binPlace, type Shape } from "./shape";
import { chartWords } from "../words";

const PAGE = 10;

/** Lies over the histogram. To a screen reader it is a slider over the bins. */
export function BinExplorer({ shape, layout }: { readonly shape: Shape; readonly layout: Layout }) {
  const shown = useSignal<number | undefined>(undefined);
  const { left, width, top, bottom } = layout;
  const last = shape.bins.length - 1;
  const at = Math.min(shown.value ?? 0, last);

  const point = (event: PointerEvent) => {
    const area = (event.currentTarget as Element).getBoundingClientRect();
    const place = (event.clientX - area.left) / area.width;
    shown.value = Math.max(0, Math.min(last, Math.floor(place * shape.bins.length)));
  };
  const press = (event: KeyboardEvent) => {
    const chosen = byKey(event.key, at, last);
    if (chosen !== undefined) {
      event.preventDefault();
      shown.value = chosen;
    } else if (event.key === "Escape") {
      shown.value = undefined;
    }
  };
  const hide = () => (shown.value = undefined);

  return (
    <>
      <div
        class="bin-explorer"
        style={{ left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${bottom - top}px` }}
        tabIndex={0}
        role="slider"
        aria-label={chartWords().explore}
        aria-valuemin={1}
        aria-valuemax={last + 1}
        aria-valuenow={at + 1}
        aria-valuetext={describe(shape, at).join(": ")}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={(event) => event.pointerType === "mouse" && hide()}
        onKeyDown={press}
        onFocus={() => (shown.value ??= 0)}
        onBlur={hide}
      />
      {shown.value !== undefined && <Shown shape={shape} layout={layout} index={at} />}
    </>
  );
}

interface ShownProps {
  readonly shape: Shape;
  readonly layout: Layout;
  readonly index: number;
}

function Shown({ shape, layout: { left, width, top, bottom }, index }: ShownProps) {
  const [from, to] = binPlace(shape, index);
  const middle = (from + to) / 2;
  const [range, values] = describe(shape, index);
  return (
    <>
      <div
        class="bin-shown"
        style={{
          left: `${left + from * width}px`,
          top: `${top}px`,
          width: `${Math.max(1, (to - from) * width)}px`,
          height: `${bottom - top}px`,
        }}
      />
      <div
        class="bin-tip"
        aria-hidden="true"
        // Shifted by its place, it stays within the chart at both ends.
        style={{
          left: `${left + middle * width}px`,
          top: `${top - 4}px`,
          transform: `translate(-${middle * 100}%, -100%)`,
        }}
      >
        <strong>{values}</strong> {range}
      </div>
    </>
  );
}

function byKey(key: string, at: number, last: number): number | undefined {
  const to: Readonly<Record<string, number>> = {
    ArrowLeft: at - 1,
    ArrowDown: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at + 1,
    PageDown: at - PAGE,
    PageUp: at + PAGE,
    Home: 0,
    End: last,
  };
  const chosen = to[key];
  return chosen === undefined ? undefined : Math.max(0, Math.min(last, chosen));
}

// The range of a bin and what is in it.
function describe(shape: Shape, index: number): readonly [range: string, values: string] {
  const bin = shape.bins[index];
  if (bin === undefined) {
    return ["", ""];
  }
  const text = chartWords();
  const write = briefEdges(shape, locale.value);
  return [text.range(write(bin.from), write(bin.to)), text.values(bin.count, integer(bin.count))];
}
