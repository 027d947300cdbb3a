// What is said where the log does not tell what it was asked.

import type { Failure } from "../api/failure";
import { explain } from "../call/explain";
import { historyWords } from "./words";

export function Trouble({ failure, onRetry }: { readonly failure: Failure; readonly onRetry: () => void }) {
  const { title, sentence, code } = explain(failure);
  return (
    <div class="history-trouble" role="alert" data-testid="history-trouble">
      <div>
        <strong>{title}</strong>
        <p>{sentence}</p>
        {code !== undefined && <code>{code}</code>}
      </div>
      <button type="button" class="secondary" onClick={onRetry}>
        {historyWords().retry}
      </button>
    </div>
  );
}
