// A labelled one-line input with its hint and what is wrong with it.

import type { Signal } from "@preact/signals";
import type { RefObject } from "preact";

interface Props {
  readonly id: string;
  readonly label: string;
  readonly value: Signal<string>;
  readonly inputMode: "numeric" | "decimal" | "text";
  readonly placeholder?: string;
  readonly hint?: string | undefined;
  /** What is wrong, and in which language, if that is not the page's. */
  readonly fault?: string | undefined;
  readonly faultLanguage?: "en" | undefined;
  readonly field?: RefObject<HTMLInputElement | null>;
  /** Called when the input is left after a change. */
  readonly onLeave?: () => void;
}

export function Field(props: Props) {
  const { id, label, value, inputMode, placeholder, hint, fault, faultLanguage, field, onLeave } = props;
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        ref={field ?? null}
        inputMode={inputMode}
        autocomplete="off"
        placeholder={placeholder ?? ""}
        aria-describedby={described === "" ? undefined : described}
        aria-invalid={fault !== undefined}
        value={value}
        onInput={({ currentTarget }) => (value.value = currentTarget.value)}
        onChange={onLeave}
      />
      {fault !== undefined && (
        <p id={`${id}-fault`} class="fault" lang={faultLanguage}>
          {fault}
        </p>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
    </div>
  );
}
