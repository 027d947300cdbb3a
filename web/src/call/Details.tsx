// What programs and operators want to know of a failure, behind a disclosure, and to be copied.

import type { Failure } from "../api/failure";
import { CopyButton } from "../result/CopyButton";
import { href } from "../route";
import { callWords } from "./words";

interface Props {
  readonly failure: Failure;
  readonly code: string | undefined;
}

export function Details({ failure, code }: Props) {
  const text = callWords();
  const { reason, message, operationId, traceId } = failure;
  return (
    <details class="call-details">
      <summary>
        {text.details}
        {code === undefined ? null : <code data-testid="error-code">{code}</code>}
      </summary>
      <dl class="facts">
        <Fact term={text.reason} testid="error-reason">
          {reason}
        </Fact>
        {message === "" ? null : (
          <div>
            <dt>{text.message}</dt>
            <dd class="sentence" lang="en" data-testid="error-message">
              {message}
            </dd>
          </div>
        )}
        {operationId === undefined ? null : (
          <div>
            <dt>{text.operation}</dt>
            <dd>
              <a href={href({ view: "operation", id: operationId })} data-testid="error-operation-id">
                {operationId}
              </a>
            </dd>
          </div>
        )}
        <Fact term={text.trace} testid="error-trace-id">
          {traceId}
        </Fact>
      </dl>
      <CopyButton text={() => plainText(failure, code)} what={text.copyDetails} label={text.copy} />
    </details>
  );
}

function Fact({ term, testid, children }: { term: string; testid?: string; children: string | undefined }) {
  if (children === undefined || children === "") {
    return null;
  }
  return (
    <div>
      <dt>{term}</dt>
      <dd data-testid={testid}>{children}</dd>
    </div>
  );
}

// The facts as they are put into a report: in English, as operators read them.
function plainText({ reason, message, operationId, traceId, violations }: Failure, code: string | undefined): string {
  const lines: [name: string, value: string | undefined][] = [
    ["code", code],
    ["reason", reason],
    ["message", message],
    ["operation", operationId],
    ["trace", traceId],
    ...violations.map(({ field, description }): [string, string] => [field, description]),
  ];
  return lines
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}
