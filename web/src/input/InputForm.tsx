// The form: the list, and what to compute over it.

import { useEffect } from "preact/hooks";
import { call } from "../call/call";
import { Actions } from "./Actions";
import { DropTarget } from "./DropTarget";
import { ListInput } from "./ListInput";
import { Extras } from "./Extras";
import { giveUp, refused, submit, waiting } from "./submit";
import { inputWords } from "./words";

export function InputForm() {
  useShortcuts();
  // A new view of the form says nothing about what was tried in an earlier one.
  useEffect(() => () => void (refused.value = undefined), []);
  return (
    <form
      id="form"
      class="card input-form"
      noValidate
      aria-labelledby="form-title"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h2 id="form-title" class="visually-hidden">
        {inputWords().title}
      </h2>
      <ListInput />
      <Extras />
      <Actions />
      <DropTarget />
    </form>
  );
}

// Anywhere on the page: Ctrl+Enter or ⌘ Enter computes, Escape cancels.
function useShortcuts(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        submit();
      } else if (event.key === "Escape" && (waiting.value || call.value.state === "computing")) {
        event.preventDefault();
        giveUp();
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
