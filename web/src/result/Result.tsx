// A result, whole.

import { CopyButton } from "./CopyButton";
import { Distribution } from "./distribution/Distribution";
import { figuresText } from "./download";
import { KeyFigures, OtherFigures, Quantiles } from "./Figures";
import { Journey } from "./Journey";
import type { Outcome } from "./outcome";
import { Downloads, Facts, Summary } from "./Record";
import { resultWords } from "./words";

export function Result({ outcome }: { readonly outcome: Outcome }) {
  const { operationId, statistics, summary } = outcome;
  const texts = resultWords();
  return (
    <section id="result" class="card" data-operation={operationId} aria-labelledby="result-title">
      <div class="label-row">
        <h2 id="result-title">{texts.title}</h2>
        <CopyButton text={() => figuresText(outcome)} what={texts.copyAll} label={texts.copyAll} />
      </div>
      <KeyFigures statistics={statistics} />
      <OtherFigures statistics={statistics} />
      <Quantiles statistics={statistics} />
      <Distribution statistics={statistics} />
      <Journey outcome={outcome} />
      {summary !== undefined && <Summary text={summary} />}
      <Facts outcome={outcome} />
      <Downloads outcome={outcome} />
    </section>
  );
}
