// The call itself: gRPC-Web to the gateway that served this page.

import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { ComputeService, type ComputeResponse } from "../gen/compute/v1/compute_pb";

/** What the form asks for. */
export interface ComputeInput {
  readonly values: bigint[];
  readonly quantiles: number[];
  /** Bins of the histogram; undefined if none is wanted. */
  readonly bins: number | undefined;
}

/**
 * How long the page waits beyond a call's deadline. The gateway ends the call at the deadline, and its answer names the
 * operation, which the page's own timer cannot.
 */
const GRACE_MS = 2_000;

/** Tells the gateway the deadline without the grace. */
const withoutGrace: Interceptor = (next) => (call) => {
  const [, timeoutMs] = /^(\d+)m$/.exec(call.header.get("grpc-timeout") ?? "") ?? [];
  if (timeoutMs !== undefined) {
    call.header.set("grpc-timeout", `${Number(timeoutMs) - GRACE_MS}m`);
  }
  return next(call);
};

const transport = createGrpcWebTransport({ baseUrl: window.location.origin, interceptors: [withoutGrace] });
const client = createClient(ComputeService, transport);

/** Calls the gateway. Rejects with a `ConnectError`; aborting `signal` aborts the request on the wire too. */
export function compute(input: ComputeInput, timeoutMs: number, signal: AbortSignal): Promise<ComputeResponse> {
  const { values, quantiles, bins } = input;
  const request = { values, quantiles, ...(bins === undefined ? {} : { histogram: { bins } }) };
  return client.compute(request, { timeoutMs: timeoutMs + GRACE_MS, signal });
}
