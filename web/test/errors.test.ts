import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeName, explain } from "../src/errors";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb";

const codes = Object.values(Code).filter((code): code is Code => typeof code === "number");

describe("every gRPC code", () => {
  for (const code of codes) {
    it(`${codeName(code)} has a title and a sentence of its own`, () => {
      const { title, sentence, code: shown } = explain(new ConnectError("said the gateway", code), 30_000);
      assert.equal(shown, codeName(code));
      assert.ok(title.length > 0 && /[.?]$/.test(sentence), sentence);
      assert.doesNotMatch(sentence, /[{}]|undefined/);
      const others = codes.filter((other) => other !== code);
      assert.ok(others.every((other) => explain(new ConnectError("", other), 30_000).sentence !== sentence));
    });
  }
  it("is named as the specification names it", () => {
    assert.deepEqual(codes.map(codeName).slice(0, 4), [
      "CANCELLED (1)",
      "UNKNOWN (2)",
      "INVALID_ARGUMENT (3)",
      "DEADLINE_EXCEEDED (4)",
    ]);
    assert.equal(codes.length, 16);
  });
});

it("a passed deadline says how long was waited", () => {
  const error = new ConnectError("", Code.DeadlineExceeded);
  assert.match(explain(error, 1_000).sentence, /within 1 s,/);
  assert.match(explain(error, 30_000).sentence, /within 30 s,/);
});

it("the operation id is taken from the metadata", () => {
  const error = new ConnectError("late", Code.DeadlineExceeded, { "operation-id": "0198-7" });
  assert.equal(explain(error, 1_000).operationId, "0198-7");
  assert.equal(explain(new ConnectError("late", Code.DeadlineExceeded), 1_000).operationId, undefined);
  error.metadata.append("operation-id", "0198-7");
  assert.equal(explain(error, 1_000).operationId, "0198-7", "sent twice, it is shown once");
});

it("violations are listed field by field", () => {
  const violation: MessageInitShape<typeof BadRequestSchema> = {
    fieldViolations: [
      { field: "quantiles[1]", description: "must lie between 0 and 1, is 2" },
      { field: "histogram.bins", description: "must lie between 1 and 1,000, is 5000" },
    ],
  };
  const details = [{ desc: BadRequestSchema, value: create(BadRequestSchema, violation) }];
  const { violations } = explain(new ConnectError("bad", Code.InvalidArgument, undefined, details), 1_000);
  assert.deepEqual(violations, violation.fieldViolations);
});

it("the time after which to try again is said", () => {
  const value = create(RetryInfoSchema, { retryDelay: { seconds: 2n, nanos: 500_000_000 } });
  const error = new ConnectError("busy", Code.ResourceExhausted, undefined, [{ desc: RetryInfoSchema, value }]);
  assert.match(explain(error, 1_000).sentence, /Try again in 2\.5 s\.$/);
});

it("a list that is too large is told from a service that is busy, by the gateway's reason", () => {
  const explained = (reason: string, domain: string) => {
    const details = [{ desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason, domain }) }];
    return explain(new ConnectError("", Code.ResourceExhausted, undefined, details), 1_000).title;
  };
  assert.equal(explained("MESSAGE_TOO_LARGE", "compute.v1"), "The list is too large");
  assert.equal(explained("TOO_MANY_IN_FLIGHT", "compute.v1"), "Too much at once");
  assert.equal(explained("MESSAGE_TOO_LARGE", "example.com"), "Too much at once");
});

it("a failed connection is told from an answer", () => {
  const { title, code } = explain(ConnectError.from(new TypeError("Failed to fetch")), 1_000);
  assert.equal(title, "The gateway cannot be reached");
  assert.equal(code, undefined);
});
