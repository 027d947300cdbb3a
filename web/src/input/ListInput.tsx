// The list: the text field or what is attached in its place, how it was read, and other ways to give one.

import { useSignal, type Signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Problem } from "../reading/messages";
import { AttachedList } from "./AttachedList";
import { Columns } from "./Columns";
import { Count } from "./Count";
import { FilePicker } from "./FilePicker";
import { list, type SettledList } from "./list";
import { EXAMPLE, ListField } from "./ListField";
import { NotRead } from "./NotRead";
import { Problems } from "./Problems";
import { RandomList } from "./RandomList";
import { attached, settled, type, typed } from "./source";
import { refused, violationsOf } from "./submit";
import { inputWords } from "./words";

type Field = RefObject<HTMLTextAreaElement | null>;

export function ListInput() {
  const text = inputWords();
  const field = useRef<HTMLTextAreaElement>(null);
  const isRandomOpen = useSignal(false);
  const isAttached = attached.value !== undefined;
  const wasAttached = useRef(isAttached);
  const fieldHadFocus = field.current !== null && document.activeElement === field.current;
  const shown = shownList();
  const isRefused = refused.value?.input === "values";
  const violations = violationsOf("values");

  useLayoutEffect(() => {
    wasAttached.current = isAttached;
  }, [isAttached]);
  useLayoutEffect(() => {
    if (refused.value?.input === "values") {
      showFault(field.current);
    }
  }, [refused.value]);

  return (
    <>
      <Head field={field} isRandomOpen={isRandomOpen} />
      {isRandomOpen.value && <RandomList close={() => (isRandomOpen.value = false)} />}
      {attached.value !== undefined ? (
        <AttachedList attached={attached.value} takesFocus={fieldHadFocus} />
      ) : (
        <ListField
          field={field}
          isInvalid={shown?.kind === "bad" || violations.length > 0 || (isRefused && shown?.kind === "empty")}
          takesFocus={wasAttached.current}
        />
      )}
      <Count list={shown} isRefused={isRefused} />
      {violations.map((violation) => (
        <p key={violation} class="count bad" lang="en">
          {violation}
        </p>
      ))}
      {shown?.kind === "bad" && (
        <Problems bad={shown} show={isAttached ? undefined : (problem) => select(field.current, problem)} />
      )}
      {attached.value?.columns !== undefined && <Columns attached={attached.value} columns={attached.value.columns} />}
      {shown !== undefined && <NotRead list={shown} />}
      {!isAttached && (
        <p id="values-hint" class="hint">
          {text.hint}
        </p>
      )}
      <FilePicker />
    </>
  );
}

// The title of the list, and the lists that are made at a click.
function Head({ field, isRandomOpen }: { readonly field: Field; readonly isRandomOpen: Signal<boolean> }) {
  const text = inputWords();
  return (
    <div class="label-row">
      {attached.value !== undefined ? <h3>{text.integers}</h3> : <label for="values">{text.integers}</label>}
      <span class="label-actions">
        <button type="button" class="quiet" id="example" onClick={() => writeExample(field.current)}>
          {text.example}
        </button>
        <button
          type="button"
          class="quiet"
          id="random"
          aria-expanded={isRandomOpen.value}
          aria-controls="random-panel"
          onClick={() => (isRandomOpen.value = !isRandomOpen.value)}
        >
          {text.random}
        </button>
      </span>
    </div>
  );
}

// What is shown of the list. A typed text is read in an instant, and until then what was shown before stays.
function shownList(): SettledList | undefined {
  const current = list.value;
  if (current.kind !== "reading") {
    return current;
  }
  return attached.value === undefined && settled.value.text !== undefined ? settled.value.list : undefined;
}

// Puts the example in the place of the text in a way that the field's own undo can take back.
function writeExample(field: HTMLTextAreaElement | null): void {
  field?.focus();
  field?.select();
  if (field === null || !document.execCommand("insertText", false, EXAMPLE)) {
    type(EXAMPLE);
  }
}

/** Selects a piece of the text in the field and brings it into view. */
function select(field: HTMLTextAreaElement | null, { offset, length }: Problem): void {
  // A browser scrolls to the selection when the field gets the focus, and not when it has it.
  field?.blur();
  field?.setSelectionRange(offset, offset + length);
  field?.focus();
}

// Brings the keyboard to where the list can be mended.
function showFault(field: HTMLTextAreaElement | null): void {
  const current = list.value;
  if (current.kind === "bad" && current.problems[0] !== undefined && field !== null && typed.value !== "") {
    select(field, current.problems[0]);
  } else if (field !== null) {
    field.focus();
  } else {
    const place = ["#columns input", "#read-again", "#attached"].find(
      (place) => document.querySelector(place) !== null,
    );
    document.querySelector<HTMLElement>(place ?? "#file")?.focus();
  }
}
