// The way to the gateway that served this page: gRPC-Web. Works on the page and in the reading thread.

import { createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { ComputeService } from "../../gen/compute/v1/compute_pb";

/**
 * How much longer than a call's deadline this page waits. The gateway ends the call at the deadline, and its answer names the
 * operation, which a timer of our own cannot.
 */
export const GRACE_MS = 2_000;

/** A client that shows this token, if there is one, with every call. */
export function clientWith(token: string | undefined): Client<typeof ComputeService> {
  const interceptors = token === undefined ? [withoutGrace] : [withoutGrace, bearer(token)];
  return createClient(ComputeService, createGrpcWebTransport({ baseUrl: self.location.origin, interceptors }));
}

/** Tells the gateway the deadline without the grace. */
const withoutGrace: Interceptor = (next) => (call) => {
  const [, timeoutMs] = /^(\d+)m$/.exec(call.header.get("grpc-timeout") ?? "") ?? [];
  if (timeoutMs !== undefined) {
    call.header.set("grpc-timeout", `${Number(timeoutMs) - GRACE_MS}m`);
  }
  return next(call);
};

function bearer(token: string): Interceptor {
  return (next) => (call) => {
    call.header.set("authorization", `Bearer ${token}`);
    return next(call);
  };
}
