// The numbers of a distribution as tables, for screen readers, and for those who want to copy them.

import { useSignal } from "@preact/signals";
import { double, integer } from "../../language/format";
import { locale } from "../../language/language";
import { formatDouble } from "../../plain";
import { CopyButton } from "../CopyButton";
import { briefEdges, type Brief } from "./axis";
import type { Shape } from "./shape";
import { chartWords, resultWords } from "../words";

/** The tables; they are made when they are opened. */
export function DistributionTables({ shape }: { readonly shape: Shape }) {
  const isOpen = useSignal(false);
  const text = chartWords();
  return (
    <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>{text.table}</summary>
      {isOpen.value && (
        <>
          <Points shape={shape} />
          {shape.bins.length > 0 && <Bins shape={shape} />}
        </>
      )}
    </details>
  );
}

function Points({ shape }: { readonly shape: Shape }) {
  const text = chartWords();
  return (
    <table>
      <caption>{text.pointCaption}</caption>
      <thead>
        <tr>
          <th scope="col">{text.point}</th>
          <th scope="col">{text.value}</th>
        </tr>
      </thead>
      <tbody>
        {shape.marks.map(({ name, value }) => (
          <tr key={name}>
            <th scope="row">{text.marks[name]}</th>
            <td>{typeof value === "bigint" ? <Whole value={value} /> : <Real value={value} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Bins({ shape }: { readonly shape: Shape }) {
  const text = chartWords();
  // Edges are rounded, so that the table can be read on a phone.
  const write = briefEdges(shape, locale.value);
  return (
    <>
      <div class="label-row">
        <h4>{text.binCaption}</h4>
        <CopyButton text={() => binsText(shape)} what={text.copyTable} label={resultWords().copy} />
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label={text.binCaption}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text.from}</th>
              <th scope="col">{text.below}</th>
              <th scope="col">{text.count}</th>
            </tr>
          </thead>
          <tbody>
            {shape.bins.map(({ from, to, count }, i) => (
              <tr key={i}>
                <td>
                  <Edge value={from} write={write} />
                </td>
                <td>
                  <Edge value={to} write={write} />
                </td>
                <td data-testid="bin-count">
                  <Whole value={count} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">{text.lastBin}</p>
    </>
  );
}

function Whole({ value }: { readonly value: bigint }) {
  return <data value={String(value)}>{integer(value)}</data>;
}

function Real({ value }: { readonly value: number }) {
  return <data value={formatDouble(value)}>{double(value)}</data>;
}

// What programs read, and what is copied, is not rounded.
function Edge({ value, write }: { readonly value: number; readonly write: Brief }) {
  return <data value={formatDouble(value)}>{write(value)}</data>;
}

// Lines of numbers with tabs between them: what a spreadsheet takes.
function binsText({ bins }: Shape): string {
  return bins.map(({ from, to, count }) => `${formatDouble(from)}\t${formatDouble(to)}\t${count}`).join("\n");
}
