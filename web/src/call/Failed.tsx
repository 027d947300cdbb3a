// A call that failed: what happened, what to do, and the details for those who want them.

import { Code } from "@connectrpc/connect";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Failure, Violation } from "../api/failure";
import { token } from "../api/token";
import { href } from "../route";
import { Details } from "./Details";
import { explain } from "./explain";
import { comesLater, isPassing, mayRepeat, remedyOf } from "./remedy";
import { byItself, secondsLeft } from "./retry";
import { isSameList, retryCall } from "./start";
import { TokenForm } from "./TokenForm";
import { callWords } from "./words";

export function Failed({ failure, timeoutMs }: { readonly failure: Failure; readonly timeoutMs: number }) {
  const { title, sentence, code } = explain(failure, timeoutMs);
  const card = useRef<HTMLElement>(null);
  useLayoutEffect(() => () => keepFocus(card.current), []);
  return (
    <section
      id="error"
      ref={card}
      class={isPassing(failure) ? "card error call-wait" : "card error"}
      data-reason={failure.reason}
    >
      <div role={byItself.peek() ? undefined : "alert"}>
        <h2>{title}</h2>
        <p>{sentence}</p>
      </div>
      <Violations violations={failure.violations} />
      <WayOn failure={failure} />
      <Details failure={failure} code={code} />
    </section>
  );
}

// A call that is made again takes the button away that it was made with: the keyboard's place on the page is then the answer.
function keepFocus(card: HTMLElement | null): void {
  if (card?.contains(document.activeElement)) {
    card.closest<HTMLElement>(".call-answer")?.focus({ preventScroll: true });
  }
}

function Violations({ violations }: { readonly violations: readonly Violation[] }) {
  const text = callWords();
  if (violations.length === 0) {
    return null;
  }
  return (
    <ul class="call-violations" data-testid="violations">
      {violations.map(({ field, description }) => {
        const shown = text.violation(field, description);
        return (
          <li key={field}>
            <strong>{text.field(field)}</strong> <span {...(shown === description ? { lang: "en" } : {})}>{shown}</span>
          </li>
        );
      })}
    </ul>
  );
}

function WayOn({ failure }: { readonly failure: Failure }) {
  const text = callWords();
  const { operationId } = failure;
  const remedy = remedyOf(failure);
  if (remedy === "token") {
    return <TokenForm isRefused={failure.code === Code.Unauthenticated && token.value !== undefined} />;
  }
  const later =
    comesLater(failure) && operationId !== undefined ? (
      <a class="button primary" data-testid="later" href={href({ view: "operation", id: operationId })}>
        {text.later}
      </a>
    ) : null;
  if (remedy === "reload") {
    return (
      <p class="call-ways">
        {later}
        <button type="button" class="secondary" onClick={() => window.location.reload()}>
          {text.reload}
        </button>
      </p>
    );
  }
  if (remedy === "none") {
    return null;
  }
  if (!isSameList.value) {
    return (
      <>
        {later !== null && <p class="call-ways">{later}</p>}
        <p class="call-aside">{text.otherList}</p>
      </>
    );
  }
  return (
    <>
      <p class="call-ways">
        {later}
        <RetryButton class={later === null ? "primary" : "secondary"} />
      </p>
      {mayRepeat(failure) && <ByItself />}
    </>
  );
}

function RetryButton(props: { readonly class: string }) {
  const text = callWords();
  const seconds = secondsLeft.value;
  // Not `disabled`, which would take the keyboard's place on the page away.
  return (
    <button
      id="retry"
      type="button"
      class={props.class}
      aria-disabled={seconds > 0}
      onClick={() => {
        if (secondsLeft.peek() === 0) {
          retryCall();
        }
      }}
    >
      {seconds > 0 ? text.tryAgainIn(seconds) : text.tryAgain}
    </button>
  );
}

function ByItself() {
  return (
    <label class="call-by-itself">
      <input
        id="by-itself"
        type="checkbox"
        checked={byItself.value}
        onChange={(event) => (byItself.value = event.currentTarget.checked)}
      />
      {callWords().byItself}
    </label>
  );
}
