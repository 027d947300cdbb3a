// What the rows of the history are: the log's operations, and those of this tab that the log does not have yet.

import type { Operation } from "../../gen/compute/v1/compute_pb";
import { idOf } from "../api/operations";
import type { Own } from "./own";
import { createTimeOf } from "../operation-id";
import { dayOf } from "./time";

/** A row: an operation of the log, one of this tab, or one that is both. */
export interface Row {
  readonly key: string;
  readonly operation: Operation | undefined;
  readonly own: Own | undefined;
}

/** Both lists as one, in descending order of their ids, each operation once; of two versions that of `newer`. */
export function merged(older: readonly Operation[], newer: readonly Operation[]): readonly Operation[] {
  const byName = new Map([...older, ...newer].map((operation) => [operation.name, operation]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? 1 : -1));
}

/** The rows, the newest first; those of this tab that are still to become results before all others. */
export function rowsOf(listed: readonly Operation[], own: readonly Own[], range: Range): readonly Row[] {
  const owners = new Map(own.map((one) => [one.operationId, one]));
  const known = new Set(listed.map(idOf));
  const isKnown = ({ operationId }: Own) => operationId !== undefined && known.has(operationId);
  const alone = own
    .filter((one) => !isKnown(one) && isIn(one, range))
    .map((one): Row => ({ key: one.key, operation: undefined, own: one }));
  const rows = alone.filter(isPending);
  const others = alone.filter((row) => !isPending(row));
  for (const operation of listed) {
    const id = idOf(operation);
    const row: Row = { key: id, operation, own: owners.get(id) };
    while (others[0] !== undefined && timeOf(others[0]) > timeOf(row)) {
      rows.push(...others.splice(0, 1));
    }
    rows.push(row);
  }
  return [...rows, ...others];
}

/** A part of the rows that the browser lays out, or leaves aside while it is out of sight. */
export interface Block {
  readonly key: string;
  readonly rows: readonly Row[];
}

/**
 * The rows in blocks of 32 on average. The ids themselves say where a block starts: rows that come at either end leave the
 * blocks between them as they are.
 */
export function blocksOf(rows: readonly Row[]): readonly Block[] {
  const blocks: { key: string; rows: Row[] }[] = [{ key: "newest", rows: [] }];
  for (const row of rows) {
    if (Number.parseInt(row.key.slice(-2), 16) % 32 === 0) {
      blocks.push({ key: row.key, rows: [] });
    }
    blocks.at(-1)?.rows.push(row);
  }
  return blocks.filter((block) => block.rows.length > 0);
}

/** The operations that a listing reaches. */
export interface Range {
  /** The day in UTC; empty: any. */
  readonly day: string;
  /** How far it has come: nothing before this time, in milliseconds since 1970, is listed yet. */
  readonly since: number;
}

/** Whether the row is one of this tab's that may become a result yet. */
export function isPending({ operation, own }: Row): boolean {
  return (
    operation === undefined && (own?.state === "computing" || (own?.state === "late" && own.operationId !== undefined))
  );
}

/** When a row's operation was started, in milliseconds since 1970. */
export function timeOf({ operation, own }: Row): number {
  return operation === undefined ? (own?.startedAt ?? 0) : (createTimeOf(idOf(operation))?.getTime() ?? 0);
}

function isIn(one: Own, { day, since }: Range): boolean {
  const isOfDay = day === "" || dayOf(new Date(one.startedAt)) === day;
  return isOfDay && (one.startedAt >= since || one.state === "computing" || one.state === "late");
}
