// The text field for the list.

import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import type { Problem } from "../reading/messages";
import { MAX_MIRRORED, Mirror } from "./Mirror";
import { settled, type, typed } from "./source";

interface Props {
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly isInvalid: boolean;
  /** Whether the field takes the focus when it appears. */
  readonly takesFocus: boolean;
}

export function ListField({ field, isInvalid, takesFocus }: Props) {
  useLayoutEffect(() => {
    if (takesFocus) {
      field.current?.focus();
    }
  }, []);
  return (
    <div class="list-field">
      <Mirror field={field} text={typed.value} problems={standing()} />
      <textarea
        id="values"
        ref={field}
        rows={7}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        placeholder={EXAMPLE}
        aria-describedby="count values-hint"
        aria-invalid={isInvalid}
        value={typed}
        onInput={({ currentTarget }) => {
          type(currentTarget.value);
          // The text that was too long is attached, and not in the field.
          currentTarget.value = typed.value;
        }}
      />
    </div>
  );
}

/** The list of the README. */
export const EXAMPLE = "4, 5, 2, 35, 2452";

/** The problems that stand in the field's text where they were found, though it may have changed after them since. */
function standing(): readonly Problem[] {
  const { list, text = "" } = settled.value;
  if (list.kind !== "bad" || typed.value.length > MAX_MIRRORED) {
    return [];
  }
  const isStanding = ({ offset, length }: Problem) => typed.value.startsWith(text.slice(0, offset + length));
  return list.problems.filter(isStanding);
}
