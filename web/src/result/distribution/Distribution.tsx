// The distribution of the data: a box plot and a histogram over one axis, and the same numbers as tables.

import type { Statistics } from "../../../gen/compute/v1/compute_pb";
import { double, integer } from "../../language/format";
import { locale } from "../../language/language";
import { brief } from "./axis";
import { Chart } from "./Chart";
import { DistributionTables } from "./Tables";
import { shapeOf, type Shape } from "./shape";
import { chartWords } from "../words";

/** The distribution, if enough of it is known to draw it. */
export function Distribution({ statistics }: { readonly statistics: Statistics }) {
  const shape = shapeOf(statistics);
  if (shape === undefined) {
    return null;
  }
  const text = chartWords();
  return (
    <section id="histogram">
      <h3>{text.title}</h3>
      <Chart shape={shape} label={labelOf(shape, statistics.count)} />
      <p class="note">{noteOn(shape)}</p>
      <DistributionTables shape={shape} />
    </section>
  );
}

// What the drawing shows, in words.
function labelOf(shape: Shape, count: bigint): string {
  const text = chartWords();
  const marks = shape.marks.map(
    ({ name, value }) => `${text.marks[name]} ${typeof value === "bigint" ? integer(value) : double(value)}`,
  );
  const sentences = [text.label(integer(count), marks)];
  const [first, ...others] = shape.bins;
  if (first !== undefined) {
    const fullest = others.reduce((fullest, bin) => (bin.count > fullest.count ? bin : fullest), first);
    sentences.push(
      text.fullest(double(fullest.from), double(fullest.to), text.values(fullest.count, integer(fullest.count))),
    );
  }
  return sentences.join(" ");
}

// How to read the drawing.
function noteOn({ bins, low, high, marks, isConstant, isTooFine }: Shape): string {
  const text = chartWords();
  if (isConstant) {
    return text.constant;
  }
  const width = (high - low) / bins.length;
  const written = width > 0 && !isTooFine ? brief(locale.value, width, width / 1_000)(width) : undefined;
  const hasBox = marks.filter(({ name }) => name === "lowerQuartile" || name === "upperQuartile").length === 2;
  return [
    ...(bins.length > 0 ? [text.bins(integer(bins.length), written)] : []),
    isTooFine ? text.tooFine : hasBox ? text.box : text.line,
  ].join(" ");
}
