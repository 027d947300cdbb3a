// Takes what is dropped or pasted anywhere on the page. A file that misses the form would otherwise take the page's place.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { attach, attached, MAX_TYPED, type, typed } from "./source";
import { inputWords } from "./words";

/** Covers the form while a file is above the page, and says so. */
export function DropTarget() {
  const text = inputWords();
  const isAbove = useSignal(false);
  const isRefused = useSignal(false);
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (isTaken(event)) {
        event.preventDefault();
        isAbove.value = hasFiles(event.dataTransfer);
      }
    };
    // Going from one element to another says leave, too; where nothing is entered, the window is left.
    const leave = (event: DragEvent) => {
      isAbove.value &&= event.relatedTarget !== null;
    };
    const drop = (event: DragEvent) => {
      isAbove.value = false;
      if (isTaken(event) && event.dataTransfer !== null) {
        isRefused.value = !take(event.dataTransfer, event);
      }
    };
    const paste = (event: ClipboardEvent) => {
      if (event.clipboardData !== null && !matches(event.target, "input, select")) {
        isRefused.value = !take(event.clipboardData, event);
      }
    };
    const listening = new AbortController();
    const { signal } = listening;
    window.addEventListener("dragover", over, { signal });
    window.addEventListener("dragleave", leave, { signal });
    window.addEventListener("drop", drop, { signal });
    window.addEventListener("paste", paste, { signal });
    return () => listening.abort();
  }, []);
  return (
    <>
      {isAbove.value && <p class="drop">{text.drop}</p>}
      {isRefused.value && (
        <p class="count bad" role="alert">
          {text.oneFile}
        </p>
      )}
    </>
  );
}

// Files wherever they are dropped. Text on the form, unless a field takes it by itself.
function isTaken({ dataTransfer, target }: DragEvent): boolean {
  const isText = dataTransfer?.types.includes("text/plain") === true;
  return hasFiles(dataTransfer) || (isText && matches(target, "#form *") && !matches(target, "input, textarea"));
}

function hasFiles(data: DataTransfer | null): boolean {
  return data?.types.includes("Files") === true;
}

function matches(target: EventTarget | null, selector: string): boolean {
  return target instanceof Element && target.matches(selector);
}

// Takes the files or the text; false if there are several files. What the text field does well by itself is left to it.
function take(data: DataTransfer, event: Event): boolean {
  const [file, another] = data.files;
  if (file !== undefined) {
    event.preventDefault();
    if (another === undefined) {
      attach({ kind: "file", file });
    }
    return another === undefined;
  }
  const given = data.getData("text/plain");
  const field = event.target;
  if (given === "") {
    return true;
  }
  if (!(field instanceof HTMLTextAreaElement)) {
    event.preventDefault();
    type(attached.value === undefined && typed.value !== "" ? `${typed.value}\n${given}` : given);
  } else if (field.value.length + given.length > MAX_TYPED) {
    event.preventDefault();
    const { value, selectionStart, selectionEnd } = field;
    type(value.slice(0, selectionStart) + given + value.slice(selectionEnd));
  }
  return true;
}
