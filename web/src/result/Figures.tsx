// The statistics: numbers and their names.

import { double, integer } from "../language/format";
import { locale } from "../language/language";
import { formatDouble } from "../plain";
import type { Statistics } from "../../gen/compute/v1/compute_pb";
import { Figure } from "./Figure";
import { resultWords, type StatisticName } from "./words";

/** The statistics that people ask for first. */
export function KeyFigures({ statistics }: { readonly statistics: Statistics }) {
  const { min, max, median, mean } = statistics;
  return (
    <dl class="figures key">
      <Whole name="min" value={min} />
      <Whole name="max" value={max} />
      <Real name="median" value={median} />
      <Real name="mean" value={mean} />
    </dl>
  );
}

/** The other statistics. */
export function OtherFigures({ statistics }: { readonly statistics: Statistics }) {
  const { count, sum, stdDev, variance } = statistics;
  return (
    <dl class="figures other">
      <Whole name="count" value={count} />
      <Whole name="sum" value={sum} />
      <Real name="std_dev" value={stdDev} />
      <Real name="variance" value={variance} />
    </dl>
  );
}

/** The quantiles, each once, in the order in which they were asked for. */
export function Quantiles({ statistics }: { readonly statistics: Statistics }) {
  const texts = resultWords();
  const once = new Map(statistics.quantiles.map(({ probability, value }) => [probability, value]));
  if (once.size === 0) {
    return null;
  }
  const share = new Intl.NumberFormat(locale.value, { style: "percent", maximumFractionDigits: 18 });
  return (
    <section id="quantiles-result">
      <h3>{texts.quantiles}</h3>
      <dl class="figures quantiles">
        {Array.from(once, ([probability, value]) => {
          const raw = formatDouble(probability);
          const called = texts.quartile[raw];
          const name = double(probability);
          return (
            <Figure
              key={raw}
              name={
                <span title={texts.quantileHint(share.format(raw as Intl.StringNumericLiteral))}>
                  {name}
                  {called !== undefined && <small> {called}</small>}
                </span>
              }
              plainName={`${texts.quantiles} ${name}`}
              raw={formatDouble(value)}
              shown={double(value)}
              data={{ "data-quantile": raw }}
            />
          );
        })}
      </dl>
    </section>
  );
}

// An integer: a text is one of any length.
function Whole({ name, value }: { readonly name: StatisticName; readonly value: bigint | string }) {
  const label = resultWords().statistics[name];
  return (
    <Figure name={label} plainName={label} raw={String(value)} shown={integer(value)} data={{ "data-stat": name }} />
  );
}

function Real({ name, value }: { readonly name: StatisticName; readonly value: number }) {
  const label = resultWords().statistics[name];
  return (
    <Figure
      name={label}
      plainName={label}
      raw={formatDouble(value)}
      shown={double(value)}
      data={{ "data-stat": name }}
    />
  );
}
