// The call itself: gRPC-Web to the gateway that served this page.

import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { ComputeService, type ComputeResponse } from "../gen/compute/v1/compute_pb";

/** What the form asks for. */
export interface ComputeInput {
  readonly values: bigint[];
  readonly quantiles: number[];
  /** Bins of the histogram; undefined if none is wanted. */
  readonly bins: number | undefined;
}

const client = createClient(ComputeService, createGrpcWebTransport({ baseUrl: window.location.origin }));

/** Calls the gateway. Rejects with a `ConnectError`; aborting `signal` aborts the request on the wire too. */
export function compute(input: ComputeInput, timeoutMs: number, signal: AbortSignal): Promise<ComputeResponse> {
  const { values, quantiles, bins } = input;
  const request = { values, quantiles, ...(bins === undefined ? {} : { histogram: { bins } }) };
  return client.compute(request, { timeoutMs, signal });
}
