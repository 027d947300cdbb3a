// Asks which column of a file is the list.

import type { Column } from "../reading/messages";
import { chooseColumn, type Attached } from "./source";
import { inputWords } from "./words";

interface Props {
  readonly attached: Attached;
  readonly columns: readonly Column[];
}

export function Columns({ attached: { source }, columns }: Props) {
  const text = inputWords();
  const chosen = source.kind === "file" ? source.column : undefined;
  // Those of integers come first; otherwise they are in the order of the file.
  const sorted = columns
    .map((column, index) => ({ ...column, title: column.title || text.columnUntitled(index + 1) }))
    .sort((a, b) => Number(b.isIntegers) - Number(a.isIntegers));
  return (
    <fieldset id="columns" class="columns">
      <legend class="visually-hidden">{text.chooseColumn}</legend>
      {sorted.map(({ id, title, sample, isIntegers }) => (
        <label key={id} class="column">
          <input type="radio" name="column" value={id} checked={id === chosen} onChange={() => chooseColumn(id)} />
          <span class="column-title">{title}</span>
          <span class={isIntegers ? "column-kind integers" : "column-kind"}>
            {isIntegers ? text.columnIntegers : text.columnOther}
          </span>
          <span class="column-sample">{sample.join(" · ")}</span>
        </label>
      ))}
    </fieldset>
  );
}
