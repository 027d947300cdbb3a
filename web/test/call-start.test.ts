import "./browser-globals";
import assert from "node:assert/strict";
import { afterEach, it } from "node:test";
import { call } from "../src/call/call";
import { cancelCall, isSameList, retryCall, startCall } from "../src/call/start";
import { list } from "../src/input/list";
import { announcement } from "../src/shell/announce";
import { until } from "./browser/until";

const OPTIONS = { quantiles: [], bins: 10 };
const READ = { kind: "list", list: { count: 1, first: [1n], last: 1n } } as const;

const became = (state: string) =>
  until(`the call is ${state}`, 5_000, async () => (call.value.state === state ? true : undefined));

afterEach(() => {
  call.value = { state: "idle" };
});

it("without a list nothing is called", () => {
  list.value = { kind: "empty" };
  startCall(OPTIONS);
  assert.equal(call.value.state, "idle");
});

it("a call waits for its list to be read, and is none if that cannot be read", async () => {
  list.value = { kind: "reading", fraction: 0 };
  startCall(OPTIONS);
  assert.equal(call.value.state, "computing");
  list.value = { kind: "reading", fraction: 0.5 };
  assert.equal(call.value.state, "computing");
  list.value = { kind: "bad", problems: [], more: 0 };
  await became("idle");
});

it("a call can be given up while its list is read", async () => {
  list.value = { kind: "reading", fraction: 0 };
  startCall(OPTIONS);
  cancelCall();
  await became("idle");
  assert.equal(announcement.value, "Cancelled");
  list.value = READ;
  assert.equal(call.value.state, "idle");
});

// Node has no such threads as the page's.
it("a reading thread that cannot be had is a failure of the page, and the call can be made again", async () => {
  list.value = { kind: "reading", fraction: 0 };
  startCall(OPTIONS);
  list.value = READ;
  await became("failed");
  assert.equal(call.value.state === "failed" && call.value.failure.reason, "PAGE_FAILED");
  assert.equal(isSameList.value, true);
  retryCall();
  assert.equal(call.value.state, "computing");
  await became("failed");
  list.value = { kind: "empty" };
  assert.equal(isSameList.value, false);
  retryCall();
  assert.equal(call.value.state, "failed");
});
