// A button that copies a text.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { announce } from "../shell/announce";
import { copy } from "./copy";
import { resultWords } from "./words";

const SHOWN_MS = 2_000;

interface CopyProps {
  /** Makes the text: a long one is made only if it is wanted. */
  readonly text: () => string;
  /** What is copied, for those who do not see beside what the button stands. */
  readonly what: string;
  /** What stands on the button. None: an icon. */
  readonly label?: string;
}

/** Copies, and says so for a moment. */
export function CopyButton({ text, what, label }: CopyProps) {
  const said = useSignal<string | undefined>(undefined);
  const texts = resultWords();

  useEffect(() => {
    if (said.value !== undefined) {
      const timer = setTimeout(() => (said.value = undefined), SHOWN_MS);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [said.value]);

  const onClick = async () => {
    said.value = (await copy(text())) ? texts.copied : texts.notCopied;
    announce(said.value);
  };

  if (label === undefined) {
    const isDone = said.value === texts.copied;
    return (
      <button
        type="button"
        class={isDone ? "copy-figure done" : "copy-figure"}
        title={said.value ?? texts.copy}
        aria-label={what}
        onClick={onClick}
      >
        <CopyIcon isDone={isDone} />
      </button>
    );
  }
  return (
    <button type="button" class="quiet copy" aria-label={said.value ?? what} onClick={onClick}>
      {said.value ?? label}
    </button>
  );
}

function CopyIcon({ isDone }: { readonly isDone: boolean }) {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      {isDone ? <path d="M3 8.5 6.5 12 13 4.5" /> : <path d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z" />}
    </svg>
  );
}
