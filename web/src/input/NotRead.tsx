// What to do about a list that was not read: more than the sentence above it says.

import type { SettledList } from "./list";
import { readAgain } from "./source";
import { inputWords } from "./words";

export function NotRead({ list }: { readonly list: SettledList }) {
  const text = inputWords();
  switch (list.kind) {
    case "too-many":
      return (
        <p id="stream-hint" class="hint">
          {text.stream("compute.v1.ComputeService/ComputeStream", "Large lists")}
        </p>
      );
    case "unreadable":
    case "failed":
      return (
        <div class="not-read">
          <button type="button" id="read-again" class="secondary small" onClick={readAgain}>
            {text.readAgain}
          </button>
          {list.detail !== "" && (
            <details>
              <summary>{text.detail}</summary>
              <p class="hint" lang="en">
                {list.detail}
              </p>
            </details>
          )}
        </div>
      );
    default:
      return null;
  }
}
