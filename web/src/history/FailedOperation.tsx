// An operation that has come to its end without statistics.

import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Operation, OperationError } from "../../gen/compute/v1/compute_pb";
import { idOf } from "../api/operations";
import { explain } from "../call/explain";
import { integer, moment } from "../language/format";
import { createTimeOf } from "../operation-id";
import { exactly } from "./time";
import { historyWords } from "./words";

interface FailedOperationProps {
  readonly operation: Operation;
  readonly error: OperationError;
}

export function FailedOperation({ operation, error }: FailedOperationProps) {
  const text = historyWords();
  const explained = explain({
    code: error.code,
    reason: "",
    message: error.message,
    operationId: idOf(operation),
    retryAfterMs: undefined,
    violations: [],
  });
  const made = createTimeOf(idOf(operation));
  const facts = [
    [text.code, explained.code],
    [text.message, error.message],
    [text.created, made && <Moment date={made} />],
    [text.finished, operation.finishTime && <Moment date={timestampDate(operation.finishTime)} />],
    [text.columns.count, operation.count === 0n ? undefined : integer(operation.count)],
    [text.columns.worker, operation.worker],
    [text.operation, <span class="mono">{idOf(operation)}</span>],
  ] as const;
  return (
    <section class="card operation-failed" data-testid="operation-failed">
      <h2>{text.failedOperation}</h2>
      <p>
        <strong>{explained.title}.</strong> {explained.sentence}
      </p>
      <dl class="operation-facts">
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
    </section>
  );
}

function Moment({ date }: { readonly date: Date }) {
  return (
    <time dateTime={date.toISOString()} title={exactly(date)}>
      {moment(date)}
    </time>
  );
}
