// The button that computes, and turns into the one that cancels.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { call } from "../call/call";
import { locale } from "../language/language";
import { giveUp, waiting } from "./submit";
import { inputWords } from "./words";

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function Actions() {
  const text = inputWords();
  const current = call.value;
  const isBusy = waiting.value || current.state === "computing";
  const button = useRef<HTMLButtonElement>(null);
  useKeptFocus(button, isBusy);
  return (
    <div class="actions">
      {isBusy ? (
        <button
          key="cancel"
          ref={button}
          type="button"
          id="cancel"
          class="secondary"
          aria-keyshortcuts="Escape"
          // The second click of a double click, and an Enter that is held, were meant for the button that was here before.
          onClick={(event) => event.detail <= 1 && giveUp()}
          onKeyDown={(event) => event.repeat && event.preventDefault()}
        >
          {text.cancel}
        </button>
      ) : (
        <button
          key="compute"
          ref={button}
          type="submit"
          id="compute"
          class="primary"
          aria-keyshortcuts="Control+Enter Meta+Enter"
        >
          {text.compute}
        </button>
      )}
      {waiting.value && <span class="elapsed">{text.waiting}</span>}
      {current.state === "computing" && <Elapsed since={current.startedAt} />}
      <kbd class="shortcut">{isBusy ? text.escape : IS_MAC ? `⌘ ${text.enter}` : `Ctrl+${text.enter}`}</kbd>
    </div>
  );
}

/** The seconds since a time of `performance.now()`, with one decimal. */
function Elapsed({ since }: { readonly since: number }) {
  const now = useSignal(performance.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = performance.now()), 100);
    return () => clearInterval(timer);
  }, []);
  const format = new Intl.NumberFormat(locale.value, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  return (
    <span id="elapsed" class="elapsed" aria-hidden="true">
      {`${format.format(Math.max(0, now.value - since) / 1_000)}\u00a0s`}
    </span>
  );
}

// The buttons change places; the one that comes takes the focus that the other had, or the keyboard's place would be lost.
function useKeptFocus(button: RefObject<HTMLButtonElement | null>, isBusy: boolean): void {
  const wasBusy = useRef(isBusy);
  useLayoutEffect(() => {
    if (wasBusy.current !== isBusy && document.activeElement === document.body) {
      button.current?.focus();
    }
    wasBusy.current = isBusy;
  }, [isBusy]);
}
