// The button that chooses a file.

import { attach } from "./source";
import { inputWords } from "./words";

export function FilePicker() {
  const text = inputWords();
  return (
    <p class="file-picker">
      <input
        type="file"
        id="file"
        class="visually-hidden"
        accept=".txt,.csv,.tsv,.json,text/plain,text/csv,text/tab-separated-values,application/json"
        aria-describedby="file-hint"
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          if (file !== undefined) {
            attach({ kind: "file", file });
          }
          // The same file may be chosen again: it may have changed.
          currentTarget.value = "";
        }}
      />
      <label for="file" class="secondary small">
        {text.chooseFile}
      </label>
      <span id="file-hint" class="hint">
        {text.dropHint}
      </span>
    </p>
  );
}
