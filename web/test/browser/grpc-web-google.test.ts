import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { startChromium } from "./chromium";
import type { Outcome } from "./grpc-web-google.client";
import { startStack, type Stack } from "./stack";

const INVALID_ARGUMENT = 3;

let stack: Stack;
let browser: Browser;
let page: Page;

before(async () => {
  stack = await startStack(1);
  browser = await startChromium();
  // The page's policy forbids foreign scripts, which is what this client is there.
  page = await browser.newPage({ bypassCSP: true });
  await page.goto(stack.page);
  const { outputFiles } = await build({
    entryPoints: ["test/browser/grpc-web-google.client.ts"],
    bundle: true,
    format: "iife",
    write: false,
  });
  await page.addScriptTag({ content: outputFiles[0]?.text ?? "" });
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

interface ClientWindow {
  callWithGoogleClient(format: "text" | "binary", values: number[]): Promise<Outcome>;
}

async function call(format: "text" | "binary", values: number[]): Promise<{ outcome: Outcome; contentType: string }> {
  const [request, outcome] = await Promise.all([
    page.waitForRequest("**/compute.v1.ComputeService/Compute", { timeout: 5_000 }),
    page.evaluate(([format, values]) => (window as unknown as ClientWindow).callWithGoogleClient(format, values), [
      format,
      values,
    ] as const),
  ]);
  return { outcome, contentType: request.headers()["content-type"] ?? "" };
}

for (const [format, type] of [
  ["text", "application/grpc-web-text"],
  ["binary", "application/grpc-web+proto"],
] as const) {
  describe(`Google's gRPC-Web client in ${format} form`, () => {
    it("gets the answer", async () => {
      const { outcome, contentType } = await call(format, [4, 5, 2, 35, 2452]);
      assert.equal(contentType, type);
      assert.equal(outcome.median, 5);
      assert.equal(outcome.mean, 499.6);
      assert.equal(outcome.min, "2");
      assert.match(outcome.operationId ?? "", /^[0-9a-f-]{36}$/);
    });

    it("sees code, message, details and operation id of an error", async () => {
      const { outcome } = await call(format, []);
      assert.equal(outcome.code, INVALID_ARGUMENT);
      assert.match(outcome.message ?? "", /\S/);
      assert.match(outcome.metadata?.["grpc-status-details-bin"] ?? "", /\S/);
      assert.match(outcome.metadata?.["operation-id"] ?? "", /^[0-9a-f-]{36}$/);
    });
  });
}
