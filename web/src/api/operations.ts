// The calls about operations of the log. Each gives its message, or throws what `failureOf` understands.

import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { ListOperationsResponse, Operation } from "../../gen/compute/v1/compute_pb";
import { clientWith, GRACE_MS } from "./client";
import { token } from "./token";

const COLLECTION = "operations/";

// How long the gateway may take to look into the log.
const LOOK_MS = 15_000;

/** Which operations to list. */
export interface Listing {
  /** The `nextPageToken` of the page before; empty for the first page. */
  readonly pageToken?: string;
  /** A day in UTC, such as `2026-11-24`; empty for any. */
  readonly day?: string;
  /** 1 to 100. */
  readonly pageSize?: number;
}

/** What is known of an operation. */
export function getOperation(id: string, signal: AbortSignal): Promise<Operation> {
  return clientWith(token.value).getOperation({ name: nameOf(id) }, { signal, timeoutMs: LOOK_MS + GRACE_MS });
}

/** The same, once the operation is done; the gateway waits for that no longer than `waitMs`. */
export function waitOperation(id: string, waitMs: number, signal: AbortSignal): Promise<Operation> {
  return clientWith(token.value).waitOperation(
    { name: nameOf(id), timeout: durationFromMs(waitMs) },
    { signal, timeoutMs: waitMs + LOOK_MS + GRACE_MS },
  );
}

/** A page of operations, the newest first. */
export function listOperations(listing: Listing, signal: AbortSignal): Promise<ListOperationsResponse> {
  const { pageToken = "", day = "", pageSize = 0 } = listing;
  return clientWith(token.value).listOperations(
    { pageToken, day, pageSize },
    { signal, timeoutMs: LOOK_MS + GRACE_MS },
  );
}

/** The id in an operation's name. */
export function idIn(name: string): string {
  return name.slice(COLLECTION.length);
}

/** The id of an operation. */
export function idOf(operation: Operation): string {
  return idIn(operation.name);
}

/** The name of the operation with this id. */
export function nameOf(id: string): string {
  return COLLECTION + id;
}
