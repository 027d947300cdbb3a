// What is written down of an operation: its summary, its id and a link to it, when it was, and all of it as files.

import { moment } from "../language/format";
import { href } from "../route";
import { CopyButton } from "./CopyButton";
import { resultJson, save } from "./download";
import { journeyOf } from "./parts";
import type { Outcome } from "./outcome";
import { resultWords } from "./words";

/** The log's summary text. */
export function Summary({ text }: { readonly text: string }) {
  const texts = resultWords();
  return (
    <section>
      <div class="label-row">
        <h3 id="summary-title">{texts.summary}</h3>
        <CopyButton text={() => text} what={texts.copyNamed(texts.summary)} label={texts.copy} />
      </div>
      <pre id="summary" class="summary-text" tabIndex={0} role="region" aria-labelledby="summary-title">
        {text}
      </pre>
    </section>
  );
}

/** Which operation it was, and when. */
export function Facts({ outcome }: { readonly outcome: Outcome }) {
  const { operationId, traceId, worker, createTime, finishTime } = outcome;
  const texts = resultWords();
  const address = href({ view: "operation", id: operationId });
  const isInJourney = journeyOf(outcome)?.parts.some(({ name }) => name === "work") === true;
  return (
    <dl class="facts">
      <div>
        <dt>{texts.operation}</dt>
        <dd>
          <a id="operation-id" href={address}>
            {operationId}
          </a>
          <CopyButton text={() => new URL(address, location.href).href} what={texts.link} label={texts.link} />
        </dd>
      </div>
      {traceId !== undefined && (
        <div>
          <dt>{texts.trace}</dt>
          <dd>
            <span id="trace-id">{traceId}</span>
            <CopyButton text={() => traceId} what={texts.copyNamed(texts.trace)} label={texts.copy} />
          </dd>
        </div>
      )}
      {worker !== "" && !isInJourney && (
        <div>
          <dt>{texts.worker}</dt>
          <dd id="worker">{worker}</dd>
        </div>
      )}
      {createTime && <When name={texts.created} date={createTime} />}
      {finishTime && <When name={texts.finished} date={finishTime} />}
    </dl>
  );
}

function When({ name, date }: { readonly name: string; readonly date: Date }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="when">
        <time dateTime={date.toISOString()}>{moment(date)}</time>
      </dd>
    </div>
  );
}

/** The result as files. */
export function Downloads({ outcome }: { readonly outcome: Outcome }) {
  const { operationId, summary } = outcome;
  const texts = resultWords();
  const name = `operation-${operationId}`;
  return (
    <div class="downloads" role="group" aria-labelledby="downloads-title">
      <span id="downloads-title">{texts.downloads}</span>
      <button
        type="button"
        class="secondary small"
        data-testid="download-json"
        onClick={() => save(`${name}.json`, "application/json", resultJson(outcome))}
      >
        {texts.json}
      </button>
      {summary !== undefined && (
        <button
          type="button"
          class="secondary small"
          data-testid="download-text"
          onClick={() => save(`${name}.txt`, "text/plain", summary)}
        >
          {texts.text}
        </button>
      )}
    </div>
  );
}
