// What is said where the log does not tell what it was asked.

import { Code } from "@connectrpc/connect";
import type { Failure } from "../api/failure";
import { token } from "../api/token";
import { explain } from "../call/explain";
import { TokenForm } from "../call/TokenForm";
import { historyWords } from "./words";

interface TroubleProps {
  readonly failure: Failure;
  readonly onRetry: () => void;
}

export function Trouble({ failure, onRetry }: TroubleProps) {
  const { title, sentence, code } = explain(failure);
  const isStranger = failure.code === Code.Unauthenticated;
  return (
    <div class="history-trouble" role="alert" data-testid="history-trouble">
      <div>
        <strong>{title}</strong>
        <p>{failure.code === undefined && failure.reason === "" ? historyWords().unreachable : sentence}</p>
        {code !== undefined && <code>{code}</code>}
        {isStranger && <TokenForm isRefused={token.value !== undefined} onToken={onRetry} />}
      </div>
      {!isStranger && (
        <button type="button" class="secondary" onClick={onRetry}>
          {historyWords().retry}
        </button>
      )}
    </div>
  );
}
