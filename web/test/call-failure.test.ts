import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { it } from "node:test";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb";
import { failureOf } from "../src/api/failure";

const ID = "01980000-0000-7000-8000-000000000000";

// An error that a gateway has answered: the transport hands its trailers on.
function answered(code: Code, message = "", details: ConnectError["details"] = [], more: Record<string, string> = {}) {
  const error = new ConnectError(message, code, { "grpc-status": String(code), ...more });
  error.details = details;
  return error;
}

const info = (reason: string, metadata: Record<string, string> = {}, domain = "compute.v1") => ({
  desc: ErrorInfoSchema,
  value: create(ErrorInfoSchema, { reason, domain, metadata }),
});

it("the reason counts if it is the gateway's own", () => {
  assert.equal(failureOf(answered(Code.Unavailable, "", [info("NO_WORKER")])).reason, "NO_WORKER");
  assert.equal(failureOf(answered(Code.Unavailable, "", [info("NO_WORKER", {}, "example.com")])).reason, "");
});

it("the operation id is taken from the metadata, once although it is sent twice", () => {
  const error = answered(Code.DeadlineExceeded, "late", [], { "operation-id": ID });
  assert.equal(failureOf(error).operationId, ID);
  error.metadata.append("operation-id", ID);
  assert.equal(failureOf(error).operationId, ID);
  assert.equal(failureOf(answered(Code.DeadlineExceeded)).operationId, undefined);
});

it("whether an operation goes on is said as the gateway says it, or not at all", () => {
  const goesOn = (metadata: Record<string, string>) =>
    failureOf(answered(Code.DeadlineExceeded, "", [info("DEADLINE_EXCEEDED", metadata)])).goesOn;
  assert.equal(goesOn({ finish_late: "true" }), true);
  assert.equal(goesOn({ finish_late: "false" }), false);
  assert.equal(goesOn({}), undefined);
});

it("violations are listed field by field", () => {
  const violations: MessageInitShape<typeof BadRequestSchema> = {
    fieldViolations: [
      { field: "quantiles[1]", description: "must lie between 0 and 1, is 2" },
      { field: "histogram.bins", description: "must lie between 1 and 1,000, is 5000" },
    ],
  };
  const details = [{ desc: BadRequestSchema, value: create(BadRequestSchema, violations) }];
  assert.deepEqual(failureOf(answered(Code.InvalidArgument, "bad", details)).violations, violations.fieldViolations);
});

it("the time after which to try again is the gateway's, or a proxy's in HTTP", () => {
  const value = create(RetryInfoSchema, { retryDelay: { seconds: 2n, nanos: 500_000_000 } });
  assert.equal(failureOf(answered(Code.ResourceExhausted, "", [{ desc: RetryInfoSchema, value }])).retryAfterMs, 2_500);
  const proxied = (after: string) =>
    failureOf(new ConnectError("HTTP 503", Code.Unavailable, { "retry-after": after })).retryAfterMs;
  assert.equal(proxied("7"), 7_000);
  assert.equal(proxied("Tue, 24 Nov 2026 13:00:00 GMT"), undefined);
});

it("a failed connection has no code", () => {
  const { code, reason } = failureOf(ConnectError.from(new TypeError("Failed to fetch")));
  assert.deepEqual([code, reason], [undefined, ""]);
});

it("what answers in plain HTTP is told from a gateway", () => {
  const plain = (message: string, code: Code) => {
    const { code: shown, reason } = failureOf(new ConnectError(message, code));
    return [shown, reason];
  };
  assert.deepEqual(plain("HTTP 401", Code.Unauthenticated), [Code.Unauthenticated, ""]);
  assert.deepEqual(plain("HTTP 503", Code.Unavailable), [Code.Unavailable, ""]);
  assert.deepEqual(plain("HTTP 413", Code.Unknown), [Code.ResourceExhausted, "MESSAGE_TOO_LARGE"]);
  assert.deepEqual(plain("HTTP 500", Code.Unknown), [undefined, "NO_GRPC_ANSWER"]);
  // A page of HTML, read as frames.
  assert.deepEqual(plain("protocol error: incomplete envelope", Code.InvalidArgument), [undefined, "NO_GRPC_ANSWER"]);
  assert.deepEqual(plain("missing trailer", Code.Unknown), [undefined, "NO_GRPC_ANSWER"]);
});

it("the page's own timer is a deadline that passed", () => {
  const { code, operationId } = failureOf(new ConnectError("the operation timed out", Code.DeadlineExceeded));
  assert.deepEqual([code, operationId], [Code.DeadlineExceeded, undefined]);
});

it("a code that the client does not know is kept, with its message", () => {
  const metadata = { "grpc-status": "42", "grpc-message": "all%20new" };
  const { code, message } = failureOf(new ConnectError("invalid grpc-status: 42", Code.Internal, metadata));
  assert.deepEqual([code, message], [42, "all new"]);
  const broken = failureOf(
    new ConnectError("invalid grpc-status: 42", Code.Internal, { ...metadata, "grpc-message": "%" }),
  );
  assert.equal(broken.message, "%");
});
