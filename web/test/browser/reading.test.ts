// The reading thread in a real browser, against a real gateway, without the page's own form.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { startChromium } from "./chromium";
import { open } from "./open";
import { startStack, type Stack } from "./stack";

const DEADLINE_EXCEEDED = 4;

let browser: Browser;
let client: string;
let thread: string;
let page: Page;

before(async () => {
  browser = await startChromium();
  const [clientBundle, threadBundle] = await Promise.all(
    ["test/browser/reading.client.ts", "src/reading/thread.ts"].map(async (entry) => {
      const options = { bundle: true, format: "esm", write: false, define: { THREAD_URL: '""' } } as const;
      const { outputFiles } = await build({ entryPoints: [entry], ...options });
      return outputFiles[0]?.text ?? "";
    }),
  );
  client = clientBundle ?? "";
  thread = threadBundle ?? "";
});
after(() => browser?.close());
afterEach(() => page?.context().close());

// Opens the page of a stack. Its policy forbids foreign scripts, which is what the bundles of this test are there.
async function start(stack: Stack): Promise<void> {
  ({ page } = await open(browser, stack, { bypassCSP: true }));
  await page.addScriptTag({ content: client, type: "module" });
  await page.waitForFunction(() => "readerWith" in window);
}

describe("the reading thread, with a worker", () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack(1);
  });
  after(() => stack?.stop());

  it("reads a list, and computes over it", async () => {
    await start(stack);
    const result = await page.evaluate(async (thread) => {
      const reader = window.readerWith(thread);
      const reading = await reader.read({ kind: "text", text: "4, 5, 2, 35, 2452" }, () => {});
      const options = { quantiles: [0.25], bins: 4 };
      const computed = await reader.compute(
        options,
        30_000,
        undefined,
        window.traceparent,
        new AbortController().signal,
      );
      const statistics = "response" in computed ? computed.response.statistics : undefined;
      return {
        reading,
        count: statistics?.count,
        max: statistics?.max,
        mean: statistics?.mean,
        quantiles: statistics?.quantiles.map(({ value }) => value),
        counts: statistics?.histogram?.counts,
      };
    }, thread);
    assert.deepEqual(result, {
      reading: { kind: "list", list: { count: 5, first: [4n, 5n, 2n, 35n, 2452n], last: 2452n } },
      count: 5n,
      max: 2452n,
      mean: 499.6,
      quantiles: [4],
      counts: [4n, 0n, 0n, 1n],
    });
  });

  it("gives a reading up for the next one, and tells how far it is", async () => {
    await start(stack);
    const result = await page.evaluate(async (thread) => {
      const reader = window.readerWith(thread);
      const file = new File(["1234567 ".repeat(5_000_000)], "long.txt");
      let outcome = "none";
      const fraction = await new Promise<number>((resolve) => {
        reader.read({ kind: "file", file }, resolve).then(
          () => (outcome = "read"),
          (error: Error) => (outcome = error.name),
        );
      });
      const reading = await reader.read({ kind: "text", text: "7" }, () => {});
      return { fraction, outcome, reading };
    }, thread);
    assert.ok(result.fraction > 0 && result.fraction < 1, `${result.fraction}`);
    assert.equal(result.outcome, "AbortError");
    assert.deepEqual(result.reading, { kind: "list", list: { count: 1, first: [7n], last: 7n } });
  });

  it("that cannot be started says so, and the next reading starts another", async () => {
    await start(stack);
    const result = await page.evaluate(async (thread) => {
      const reader = window.readerWith(thread, true);
      const first = await reader.read({ kind: "text", text: "7" }, () => {}).catch((error: Error) => error.name);
      const compute = () =>
        reader.compute({ quantiles: [], bins: 1 }, 1_000, undefined, window.traceparent, new AbortController().signal);
      const lost = await compute().catch((error: Error) => error.name);
      const reading = await reader.read({ kind: "text", text: "7" }, () => {});
      return { first, lost, kind: reading.kind };
    }, thread);
    assert.deepEqual(result, { first: "ThreadError", lost: "ThreadError", kind: "list" });
  });

  it("computes over ten million integers", { timeout: 300_000 }, async () => {
    await start(stack);
    const result = await page.evaluate(async (thread) => {
      const reader = window.readerWith(thread);
      await reader.read({ kind: "random", count: 10_000_000, min: -3n, max: 3n }, () => {});
      const { signal } = new AbortController();
      const computed = await reader.compute({ quantiles: [], bins: 7 }, 120_000, undefined, window.traceparent, signal);
      if ("failure" in computed) {
        return computed.failure.message;
      }
      const { count, min, max, histogram } = computed.response.statistics ?? {};
      return { count, min, max, binned: histogram?.counts.reduce((sum, n) => sum + n, 0n) };
    }, thread);
    assert.deepEqual(result, { count: 10_000_000n, min: -3n, max: 3n, binned: 10_000_000n });
  });
});

describe("the reading thread, without a worker", () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack(0);
  });
  after(() => stack?.stop());

  it("gives the failure of a call, and the operation whose result can come yet", async () => {
    await start(stack);
    const failure = await page.evaluate(async (thread) => {
      const reader = window.readerWith(thread);
      await reader.read({ kind: "text", text: "4, 5" }, () => {});
      const { signal } = new AbortController();
      const computed = await reader.compute({ quantiles: [], bins: 1 }, 300, undefined, window.traceparent, signal);
      return "failure" in computed ? computed.failure : undefined;
    }, thread);
    assert.equal(failure?.code, DEADLINE_EXCEEDED);
    assert.match(failure.operationId ?? "", /^[0-9a-f-]{36}$/);
  });

  it("ends a call on the wire when it is given up", async () => {
    await start(stack);
    const isCompute = (request: { url(): string }) => request.url().endsWith("/compute.v1.ComputeService/Compute");
    const sent = page.context().waitForEvent("request", isCompute);
    const failed = page.context().waitForEvent("requestfailed", isCompute);
    const outcome = page.evaluate(async (thread) => {
      const reader = window.readerWith(thread);
      await reader.read({ kind: "text", text: "4, 5" }, () => {});
      const controller = new AbortController();
      Object.assign(window, { giveUp: () => controller.abort() });
      const call = reader.compute({ quantiles: [], bins: 1 }, 30_000, undefined, window.traceparent, controller.signal);
      return call.then(
        () => "answered",
        (error: Error) => error.name,
      );
    }, thread);
    await sent;
    await page.evaluate(() => (window as unknown as { giveUp(): void }).giveUp());
    assert.equal(await outcome, "AbortError");
    assert.equal((await failed).failure()?.errorText, "net::ERR_ABORTED");
  });
});
