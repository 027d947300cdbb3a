import assert from "node:assert/strict";
import { it } from "node:test";
import { newTrace } from "../src/api/trace";

it("each call begins a trace of its own, which is to be collected", () => {
  const traces = Array.from({ length: 100 }, newTrace);
  for (const { id, traceparent } of traces) {
    // The form that W3C Trace Context gives version 00.
    assert.match(traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.equal(traceparent.split("-")[1], id);
  }
  assert.equal(new Set(traces.map(({ id }) => id)).size, traces.length);
  assert.equal(new Set(traces.map(({ traceparent }) => traceparent.split("-")[2])).size, traces.length);
});

it("ids of zeros only are drawn again, since the standard has them invalid", (test) => {
  let draws = 0;
  test.mock.method(crypto, "getRandomValues", (bytes: Uint8Array) => bytes.fill(Number(++draws % 2 === 0)));
  assert.equal(newTrace().traceparent, `00-${"01".repeat(16)}-${"01".repeat(8)}-01`);
});
