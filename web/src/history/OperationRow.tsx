// A row of the history. Its properties are the same objects as long as nothing changes, so that a long list is drawn fast.

import { useComputed } from "@preact/signals";
import type { Operation, Statistics } from "../../gen/compute/v1/compute_pb";
import { idOf } from "../api/operations";
import { explain } from "../call/explain";
import { double, integer } from "../language/format";
import { formatDouble } from "../plain";
import { href } from "../route";
import { rounded } from "./numbers";
import type { Own } from "./own";
import { leaveFor } from "./position";
import { createTimeOf } from "../operation-id";
import { ago, exactly, now } from "./time";
import { historyWords } from "./words";

interface RowProps {
  readonly operation: Operation | undefined;
  readonly own: Own | undefined;
}

export function OperationRow({ operation, own }: RowProps) {
  const id = operation === undefined ? own?.operationId : idOf(operation);
  const count = operation?.count || own?.count;
  const made = (operation === undefined ? undefined : createTimeOf(idOf(operation))) ?? new Date(own?.startedAt ?? 0);
  return (
    <tr role="row" data-operation={id} data-own={own?.state} data-pending={operation === undefined ? "" : undefined}>
      <td role="cell" data-column="when">
        <Ago date={made} />
        {own !== undefined && <Yours />}
      </td>
      <td role="cell" data-column="count" data-label={historyWords().columns.count}>
        {count !== undefined && <data value={String(count)}>{integer(count)}</data>}
      </td>
      <Outcome operation={operation} own={own} />
      <td
        role="cell"
        data-column="worker"
        data-label={operation && historyWords().columns.worker}
        title={operation?.worker}
      >
        {operation?.worker}
      </td>
      <td role="cell" data-column="id">
        {id !== undefined && mayBeFound(operation, own) && <Link id={id} />}
      </td>
    </tr>
  );
}

// What was refused or given up is not in the log, unless the log has it.
function mayBeFound(operation: Operation | undefined, own: Own | undefined): boolean {
  return operation !== undefined || own?.state === "late" || own?.state === "done";
}

function Outcome({ operation, own }: RowProps) {
  const result = operation?.result;
  if (result?.case === "statistics") {
    return <Figures statistics={result.value} />;
  }
  return (
    <td role="cell" data-column="result" colSpan={4}>
      {result?.case === "error" ? (
        <FailedWith code={result.value.code} message={result.value.message} />
      ) : (
        <State own={own} />
      )}
    </td>
  );
}

function Figures({ statistics: { min, max, median, mean } }: { readonly statistics: Statistics }) {
  const { columns } = historyWords();
  return (
    <>
      <Figure name="min" label={columns.min} raw={String(min)} exact={integer(min)} shown={rounded(min)} />
      <Figure name="max" label={columns.max} raw={String(max)} exact={integer(max)} shown={rounded(max)} />
      <Figure
        name="median"
        label={columns.median}
        raw={formatDouble(median)}
        exact={double(median)}
        shown={rounded(median)}
      />
      <Figure name="mean" label={columns.mean} raw={formatDouble(mean)} exact={double(mean)} shown={rounded(mean)} />
    </>
  );
}

interface FigureProps {
  readonly name: string;
  readonly label: string;
  readonly raw: string;
  readonly exact: string;
  readonly shown: string;
}

function Figure({ name, label, raw, exact, shown }: FigureProps) {
  return (
    <td role="cell" data-column={name} data-label={label}>
      <data value={raw} title={exact === shown ? undefined : exact}>
        {shown}
      </data>
    </td>
  );
}

function FailedWith({ code, message }: { readonly code: number; readonly message: string }) {
  const { title } = explain({
    code,
    reason: "",
    message,
    operationId: undefined,
    retryAfterMs: undefined,
    violations: [],
  });
  return <span class="bad">{title}</span>;
}

function State({ own }: { readonly own: Own | undefined }) {
  const { states } = historyWords();
  const state = own?.state === "late" && own.operationId === undefined ? "left" : (own?.state ?? "done");
  return <span class={`state state-${state}`}>{states[state]}</span>;
}

function Yours() {
  const { yours, yoursTitle } = historyWords();
  return (
    <span class="chip" title={yoursTitle}>
      {yours}
    </span>
  );
}

// The text follows the clock without the row being drawn again.
function Ago({ date }: { readonly date: Date }) {
  const text = useComputed(() => ago(date, now.value));
  return (
    <time dateTime={date.toISOString()} title={exactly(date)}>
      {text}
    </time>
  );
}

// It covers the whole row.
function Link({ id }: { readonly id: string }) {
  return (
    <a href={href({ view: "operation", id })} title={id} onClick={(event) => leaveFor(id, event.currentTarget)}>
      <span class="visually-hidden">{historyWords().open} </span>…{id.slice(-8)}
    </a>
  );
}
