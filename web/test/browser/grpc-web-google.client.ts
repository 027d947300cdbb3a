// Runs inside the browser: Google's own gRPC-Web client, with the messages of protobuf-es for want of a generator that needs
// no download. Bundled by the test beside it.

import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { GrpcWebClientBase, MethodDescriptor, MethodType, RpcError } from "grpc-web";
import {
  ComputeRequestSchema,
  ComputeResponseSchema,
  type ComputeRequest,
  type ComputeResponse,
} from "../../gen/compute/v1/compute_pb";

/** What the test wants to know of a call. */
export interface Outcome {
  readonly median?: number;
  readonly mean?: number;
  readonly min?: string;
  readonly operationId?: string;
  readonly code?: number;
  readonly message?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const descriptor = new MethodDescriptor<ComputeRequest, ComputeResponse>(
  "/compute.v1.ComputeService/Compute",
  MethodType.UNARY,
  // The client asks for the constructors of messages only to hand them on; protobuf-es has none.
  Object as never,
  Object as never,
  (request: ComputeRequest) => toBinary(ComputeRequestSchema, request),
  (bytes: Uint8Array) => fromBinary(ComputeResponseSchema, bytes),
);

async function call(format: "text" | "binary", values: number[]): Promise<Outcome> {
  const client = new GrpcWebClientBase({ format });
  const init: MessageInitShape<typeof ComputeRequestSchema> = { values: values.map(BigInt) };
  try {
    const url = `${window.location.origin}/compute.v1.ComputeService/Compute`;
    const response = await client.unaryCall(url, create(ComputeRequestSchema, init), {}, descriptor);
    const { operationId, statistics } = response;
    if (statistics === undefined) {
      return { operationId };
    }
    const { median, mean, min } = statistics;
    return { operationId, median, mean, min: String(min) };
  } catch (reason) {
    if (!(reason instanceof RpcError)) {
      throw reason;
    }
    const { code, message, metadata } = reason;
    return { code, message, metadata };
  }
}

Object.assign(window, { callWithGoogleClient: call });
