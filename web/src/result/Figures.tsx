// The statistics: numbers and their names.

import { double, integer } from "../language/format";
import { locale } from "../language/language";
import { formatDouble } from "../plain";
import type { Statistics } from "../../gen/compute/v1/compute_pb";
import { Figure, isLong, type FigureProps } from "./Figure";
import { resultWords, type StatisticName } from "./words";

/** The statistics that people ask for first. */
export function KeyFigures({ statistics }: { readonly statistics: Statistics }) {
  const { min, max, median, mean } = statistics;
  const figures = [whole("min", min), whole("max", max), real("median", median), real("mean", mean)];
  return <Figures kind="key" figures={figures} />;
}

/** The other statistics. */
export function OtherFigures({ statistics }: { readonly statistics: Statistics }) {
  const { count, sum, stdDev, variance } = statistics;
  const figures = [whole("count", count), whole("sum", sum), real("std_dev", stdDev), real("variance", variance)];
  return <Figures kind="other" figures={figures} />;
}

/** The quantiles, each once, in the order in which they were asked for. */
export function Quantiles({ statistics }: { readonly statistics: Statistics }) {
  const once = new Map(statistics.quantiles.map(({ probability, value }) => [probability, value]));
  if (once.size === 0) {
    return null;
  }
  return (
    <section id="quantiles-result">
      <h3>{resultWords().quantiles}</h3>
      <Figures kind="quantiles" figures={Array.from(once, ([probability, value]) => quantile(probability, value))} />
    </section>
  );
}

interface FiguresProps {
  readonly kind: "key" | "other" | "quantiles";
  readonly figures: readonly FigureProps[];
}

function Figures({ kind, figures }: FiguresProps) {
  const width = figures.some(({ shown }) => isLong(shown)) ? "wide" : "narrow";
  return (
    <dl class={`figures ${kind} ${width}`}>
      {figures.map((figure) => (
        <Figure key={figure.plainName} {...figure} />
      ))}
    </dl>
  );
}

// An integer: a text is one of any length.
function whole(name: StatisticName, value: bigint | string): FigureProps {
  return { ...statistic(name), raw: String(value), shown: integer(value) };
}

function real(name: StatisticName, value: number): FigureProps {
  return { ...statistic(name), raw: formatDouble(value), shown: double(value) };
}

function statistic(name: StatisticName): Pick<FigureProps, "name" | "plainName" | "data"> {
  const label = resultWords().statistics[name];
  return { name: label, plainName: label, data: { "data-stat": name } };
}

function quantile(probability: number, value: number): FigureProps {
  const text = resultWords();
  const raw = formatDouble(probability);
  const called = text.quartile[raw];
  const share = new Intl.NumberFormat(locale.value, { style: "percent", maximumFractionDigits: 18 });
  return {
    name: (
      <span title={text.quantileHint(share.format(raw as Intl.StringNumericLiteral))}>
        {double(probability)}
        {called !== undefined && <small> {called}</small>}
      </span>
    ),
    plainName: `${text.quantiles} ${double(probability)}`,
    raw: formatDouble(value),
    shown: double(value),
    data: { "data-quantile": raw },
  };
}
