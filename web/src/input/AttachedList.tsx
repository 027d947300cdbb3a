// A list that stands in the place of the text field: what it is, how far it is read, and a way to remove it.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Source } from "../reading/messages";
import { list } from "./list";
import { fileSize } from "./size";
import { detach, type Attached } from "./source";
import { inputWords } from "./words";

interface Props {
  readonly attached: Attached;
  /** Whether it takes the focus when it appears: the field that has made way for it had it. */
  readonly takesFocus: boolean;
}

export function AttachedList({ attached: { source }, takesFocus }: Props) {
  const text = inputWords();
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (takesFocus) {
      box.current?.focus();
    }
  }, []);
  const current = list.value;
  const isReading = current.kind === "reading";
  const name = nameOf(source);
  return (
    <div id="attached" class="attached" ref={box} tabIndex={-1} role="group" aria-label={name} aria-describedby="count">
      <p class="attached-name">{name}</p>
      <p class="attached-facts">{factsOf(source)}</p>
      <button
        type="button"
        id="remove"
        class="quiet"
        aria-label={isReading ? undefined : text.removeList(name)}
        onClick={detach}
      >
        {isReading ? text.stopReading : text.remove}
      </button>
      {isReading && (
        <div class="attached-progress">
          <progress id="progress" aria-label={text.reading} value={current.fraction} />
          <span>{text.readShare(Math.floor(current.fraction * 100))}</span>
        </div>
      )}
    </div>
  );
}

function nameOf(source: Source): string {
  const text = inputWords();
  switch (source.kind) {
    case "file":
      return source.file.name;
    case "text":
      return text.longText;
    case "random":
      return text.randomName;
  }
}

function factsOf(source: Source): string {
  const text = inputWords();
  switch (source.kind) {
    case "file":
      return fileSize(source.file.size);
    case "text":
      return `${text.characters(source.text.length)}, ${text.longTextHint}`;
    case "random":
      return text.randomRange(source.min, source.max);
  }
}
