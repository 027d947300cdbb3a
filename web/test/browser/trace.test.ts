// The trace of a call: begun by the page, known to the gateway, shown to the user.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { Browser } from "playwright-core";
import { startChromium } from "./chromium";
import { startGateway, type Gateway } from "./gateway";
import { open } from "./open";
import { startStack, type Stack } from "./stack";
import { until } from "./until";

let browser: Browser;
let stack: Stack;
let gateway: Gateway;

before(async () => {
  browser = await startChromium();
  stack = await startStack(1);
  gateway = await startGateway(stack, "--log-level", "info,compute_gateway=debug");
});
after(async () => {
  await gateway?.stop();
  await stack?.stop();
  await browser?.close();
});

interface Line {
  readonly message?: string;
  readonly spans?: readonly { readonly operation_id?: string; readonly trace_id?: string }[];
}

/** The trace that the gateway has logged for an operation, once it has. */
function traceOf(operation: string): Promise<string | undefined> {
  return until("the gateway logs the call", 20_000, async () => {
    const lines = gateway.log().split("\n").slice(0, -1);
    const answered = lines.map((line): Line => JSON.parse(line)).filter(({ message }) => message === "answered");
    return answered.flatMap(({ spans }) => spans ?? []).find(({ operation_id: id }) => id === operation)?.trace_id;
  });
}

it("each call is in the trace that its result shows, and that can be copied; a failed one too", async () => {
  const permissions = ["clipboard-read", "clipboard-write"];
  const { page, context, complaints } = await open(browser, { ...stack, page: gateway.address }, { permissions });
  await page.fill("#values", "4, 5, 2, 35, 2452");
  await page.click("#compute");
  const shown = await page.locator("#result #trace-id").innerText();
  assert.match(shown, /^[0-9a-f]{32}$/);
  assert.equal(await traceOf(await page.locator("#operation-id").innerText()), shown);
  await page.getByRole("button", { name: "Copy: Trace" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), shown);
  assert.deepEqual(complaints, []);

  await page
    .locator("details", { has: page.locator("#quantiles") })
    .locator("summary")
    .click();
  await page.fill("#quantiles", "2");
  await page.click("#compute");
  const failed = await page.getByTestId("error-trace-id").textContent();
  const operation = await page.getByTestId("error-operation-id").textContent();
  assert.notEqual(failed, shown);
  assert.equal(await traceOf(operation ?? ""), failed);
  await context.close();
});
