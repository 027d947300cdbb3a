// The call over a list.

import type { ComputeResponse } from "../../gen/compute/v1/compute_pb";
import { clientWith, GRACE_MS } from "../api/client";
import { failureOf, type Failure } from "../api/failure";
import type { IntegerList } from "./integer-list";
import type { ComputeOptions } from "./messages";
import { requestFor } from "./request";

/** How a call ended. */
export type Computed = { readonly response: ComputeResponse } | { readonly failure: Failure };

/** Makes the call. Aborting the signal ends it on the wire, too; that it failed then is no news. */
export async function compute(
  list: IntegerList,
  options: ComputeOptions,
  timeoutMs: number,
  token: string | undefined,
  traceparent: string,
  signal: AbortSignal,
): Promise<Computed> {
  try {
    const response = await clientWith(token).compute(requestFor(list, options), {
      timeoutMs: timeoutMs + GRACE_MS,
      signal,
      headers: { traceparent },
    });
    return { response };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}
