// Makes operations from the test, as other programs do.

import { createClient, type Client } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { ComputeService } from "../../gen/compute/v1/compute_pb";
import type { Stack } from "./stack";

/** A client of the stack's gateway. */
export function clientOf(stack: Stack): Client<typeof ComputeService> {
  return createClient(ComputeService, createGrpcWebTransport({ baseUrl: new URL(stack.page).origin }));
}

// So many calls are made at once.
const ABREAST = 20;

/** Computes this many lists, `[1, 2, 3]` and then longer ones; gives the ids of the operations. */
export async function computeMany(stack: Stack, count: number): Promise<string[]> {
  const client = clientOf(stack);
  const ids: string[] = [];
  while (ids.length < count) {
    const lists = Array.from({ length: Math.min(ABREAST, count - ids.length) }, (_, i) => listOf(3 + ids.length + i));
    const answers = await Promise.all(lists.map((values) => client.compute({ values })));
    ids.push(...answers.map(({ operationId }) => operationId));
  }
  return ids;
}

/** 1, 2, 3 and so on. */
export function listOf(count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => BigInt(i + 1));
}

/** An id that was made so long ago. */
export function idOfAge(ms: number): string {
  const time = (Date.now() - ms).toString(16).padStart(12, "0");
  const random = crypto.randomUUID();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}
