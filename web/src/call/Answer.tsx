// The answer's side: what became of the call.

import { useLayoutEffect, useRef } from "preact/hooks";
import { Result } from "../result/Result";
import { call } from "./call";
import { Computing } from "./Computing";
import { Failed } from "./Failed";
import { TokenNote } from "./TokenForm";
import { callWords } from "./words";

export function Answer() {
  const { state } = call.value;
  const shown = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (state === "done" || state === "failed") {
      bringIntoView(shown.current);
    }
  }, [state]);
  return (
    <div class="call-answer" tabIndex={-1} ref={shown}>
      <Became />
      <TokenNote />
    </div>
  );
}

// On a narrow screen the answer lies below the form. Where it can be seen, nothing moves.
function bringIntoView(element: HTMLElement | null): void {
  const top = element?.getBoundingClientRect().top ?? 0;
  if (top < 0 || top > window.innerHeight / 2) {
    element?.scrollIntoView({ block: "nearest" });
  }
}

function Became() {
  const now = call.value;
  switch (now.state) {
    case "idle":
      return <Idle />;
    case "computing":
      return <Computing startedAt={now.startedAt} count={now.count} timeoutMs={now.timeoutMs} />;
    case "done":
      return <Result outcome={now.outcome} />;
    case "failed":
      return <Failed failure={now.failure} timeoutMs={now.timeoutMs} />;
  }
}

function Idle() {
  const text = callWords();
  return (
    <section class="card placeholder call-idle">
      <div>
        <p class="call-idle-title">{text.idleTitle}</p>
        <p>{text.idle}</p>
      </div>
    </section>
  );
}
