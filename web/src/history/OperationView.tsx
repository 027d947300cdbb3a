// One operation from the log: its result, its error, or the wait for either.

import { untracked, useSignal, useSignalEffect } from "@preact/signals";
import { ofOperation } from "../result/outcome";
import { Result } from "../result/Result";
import { href } from "../route";
import { announce } from "../shell/announce";
import { FailedOperation } from "./FailedOperation";
import { settle } from "./late";
import { Pending } from "./Pending";
import { Trouble } from "./Trouble";
import { isVisible } from "./visible";
import { watch, type Known } from "./watch";
import { historyWords } from "./words";

export function OperationView({ id }: { readonly id: string }) {
  // Another id is another view: nothing of the one before stays.
  return <One key={id} id={id} />;
}

function One({ id }: { readonly id: string }) {
  const known = useSignal<Known>({ state: "looking" });
  const isWaiting = useSignal(true);
  useSignalEffect(() => {
    if (!isWaiting.value || !isVisible.value) {
      return;
    }
    const watching = new AbortController();
    const tell = (told: Known) => {
      const wasPending = known.peek().state === "pending";
      known.value = told;
      isWaiting.value = told.state === "pending";
      if (told.state === "done") {
        settle(told.operation);
        announce(wasPending ? historyWords().arrived : "");
      }
    };
    untracked(() => void watch(id, watching.signal, tell));
    return () => watching.abort();
  });
  const lookAgain = () => {
    known.value = { state: "looking" };
    isWaiting.value = true;
  };
  return (
    <div id="operation" class="operation" data-operation={id} data-state={known.value.state}>
      <nav aria-label={historyWords().title}>
        <a href={href({ view: "history" })} data-testid="back">
          <span aria-hidden="true">← </span>
          {historyWords().back}
        </a>
      </nav>
      {known.value.state === "pending" ? (
        <Pending
          id={id}
          failure={known.value.failure}
          isWaiting={isWaiting.value}
          onWait={(wait) => (isWaiting.value = wait)}
        />
      ) : (
        <Ended known={known.value} onRetry={lookAgain} />
      )}
    </div>
  );
}

type EndedProps = { readonly known: Exclude<Known, { state: "pending" }>; readonly onRetry: () => void };

function Ended({ known, onRetry }: EndedProps) {
  const text = historyWords();
  switch (known.state) {
    case "looking":
      return (
        <section class="card operation-looking" aria-busy="true">
          <p>{text.looking}</p>
        </section>
      );
    case "malformed":
      return <Notice title={text.malformed} sentence={text.malformedSentence} />;
    case "failed":
      if (known.failure.reason === "OPERATION_NOT_FOUND") {
        return <Notice title={text.notFound} sentence={text.notFoundSentence} />;
      }
      return (
        <section class="card">
          <Trouble failure={known.failure} onRetry={onRetry} />
        </section>
      );
    case "done": {
      const outcome = ofOperation(known.operation);
      if (outcome !== undefined) {
        return <Result outcome={outcome} />;
      }
      const { result } = known.operation;
      return result.case === "error" ? (
        <FailedOperation operation={known.operation} error={result.value} />
      ) : (
        <Notice title={text.noResult} sentence={text.noResultSentence} />
      );
    }
  }
}

function Notice({ title, sentence }: { readonly title: string; readonly sentence: string }) {
  return (
    <section class="card operation-notice" data-testid="operation-notice">
      <h2>{title}</h2>
      <p>{sentence}</p>
    </section>
  );
}
