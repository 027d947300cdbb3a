// What the page shows of a call that waits, and of one that waits in vain or is not let in: gateways with limits that a test can
// reach bring it about, on a stack whose worker comes late.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { accessible } from "./axe";
import {
  accessibleInBothSchemes,
  compute,
  detail,
  failed,
  ID,
  median,
  openAt,
  screenshots,
  state,
  text,
  withBrowser,
} from "./calls-on-page";
import { screenshot } from "./chromium";
import { startGateway, type Gateway } from "./gateway";
import { startProxy, type Proxy } from "./proxy";
import { isGiven, startStack, type Stack } from "./stack";
import { until } from "./until";
import { startWorker } from "./worker";

withBrowser();

describe("without a worker", { skip: isGiven && "a given stack has its worker" }, () => {
  let stack: Stack;
  let gateway: Gateway | undefined;
  let proxy: Proxy | undefined;
  const held: AbortController[] = [];
  before(async () => {
    stack = await startStack(0);
  });
  after(() => stack?.stop());
  afterEach(async () => {
    held.splice(0).forEach((call) => call.abort());
    await proxy?.stop();
    await gateway?.stop();
    gateway = undefined;
    proxy = undefined;
  });

  // A gateway of its own, behind the page as it is in dist/ or in the stack's gateway.
  async function ownGateway(...flags: string[]): Promise<{ page: string; gateway: Gateway }> {
    gateway = await startGateway(stack, "--drain-limit", "100ms", ...flags);
    proxy = await startProxy(gateway.address, (_asked, _answer, handOn) => handOn(), stack.page);
    return { page: proxy.page, gateway };
  }

  // A call of somebody else's, which waits. Aborting it ends it.
  function hold({ address }: Gateway): AbortController {
    const call = new AbortController();
    held.push(call);
    // One frame: the list [1], as protobuf has it.
    const body = new Uint8Array([0, 0, 0, 0, 3, 0x0a, 1, 2]);
    const headers = { "content-type": "application/grpc-web+proto", "grpc-timeout": "60S" };
    const url = new URL("compute.v1.ComputeService/Compute", address);
    fetch(url, { method: "POST", headers, body, signal: call.signal }).catch(() => {});
    return call;
  }

  const waiters = (gateway: Gateway, count: number) =>
    until(`${count} calls wait in the gateway`, 20_000, async () =>
      (await gateway.metric("compute_gateway_waiters")) === count ? true : undefined,
    );

  it("a call under way shows how long it has taken, and after a while a calm word", async () => {
    const page = await openAt(stack.page);
    await compute(page);
    await state(page, "computing");
    await page.getByText("5 integers are on the way to a worker.").waitFor();
    await page.getByText("Waiting for a worker. The 5 integers stay in the queue until one is free.").waitFor();
    assert.match(await text(page, "[data-testid=elapsed]"), /^[2-9]\.\d\ss$/);
    await screenshots(page, "state-computing");
    await accessibleInBothSchemes(page, "state-computing");
    await page.getByText("This takes a while. The page waits for up to 30\u00a0s").waitFor();
    await page.click("#cancel");
    await state(page, "idle");
  });

  it("Cancel ends the call on the wire: the gateway waits for nothing any more", async () => {
    const { page: address, gateway } = await ownGateway();
    const page = await openAt(address);
    await compute(page);
    await waiters(gateway, 1);
    await page.click("#cancel");
    await state(page, "idle");
    await waiters(gateway, 0);
    assert.equal(await gateway.metric('compute_gateway_calls_total{code="CANCELLED"}'), 1);
    assert.equal(await page.locator("#status").innerText(), "Cancelled");
    // The page is ready for the next one.
    await page.click("#compute");
    await waiters(gateway, 1);
  });

  it("a deadline that passes offers the result for later", async () => {
    const page = await openAt(stack.page, {}, "?timeout=1s");
    await compute(page);
    await failed(page, "No answer within 1\u00a0s");
    assert.match(await text(page, "#error"), /the work goes on, and its result will be in the log/);
    assert.equal(await text(page, "[data-testid=error-code]"), "DEADLINE_EXCEEDED (4)");
    const id = await detail(page, "error-operation-id");
    assert.match(id, ID);
    await page.locator("#error details summary").click();
    await screenshots(page, "state-deadline");
    await accessibleInBothSchemes(page, "state-deadline");
    await page.getByRole("link", { name: "Fetch the result later" }).click();
    await page.locator("#main[data-view=operation]").waitFor();
    assert.equal(new URL(page.url()).hash, `#/operations/${id}`);
  });

  it("the details can be copied", async () => {
    const page = await openAt(stack.page, { permissions: ["clipboard-read", "clipboard-write"] }, "?timeout=500ms");
    await compute(page);
    await failed(page, /^No answer within/);
    const id = await detail(page, "error-operation-id");
    await page.getByRole("button", { name: "Copy the details" }).click();
    await until("the details are in the clipboard", 5_000, async () => {
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      return copied.includes(`operation: ${id}`) && copied.includes("code: DEADLINE_EXCEEDED (4)") ? true : undefined;
    });
  });

  it("a refused call counts down to the gateway's time, and can be made again then", async () => {
    const { page: address, gateway } = await ownGateway("--max-in-flight", "1");
    const other = hold(gateway);
    await waiters(gateway, 1);
    const page = await openAt(address);
    // The countdown is seen whole, however slow the machine is: the page's clock is the test's.
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 60_000);
    await compute(page);
    await failed(page, "Too many calls at once");
    assert.equal(await text(page, "[data-testid=error-code]"), "RESOURCE_EXHAUSTED (8)");
    assert.equal(await detail(page, "error-reason"), "TOO_MANY_IN_FLIGHT");
    await page.locator("#error details summary").click();
    const retry = page.locator("#retry");
    assert.equal(await retry.innerText(), "Try again in 1\u00a0s");
    assert.equal(await retry.getAttribute("aria-disabled"), "true");
    await screenshots(page, "state-refused");
    await retry.click({ force: true });
    assert.equal(await page.locator("#main").getAttribute("data-state"), "failed", "too early");
    await page.clock.runFor(1_200);
    await page.clock.resume();
    await accessibleInBothSchemes(page, "state-refused");
    await page.getByRole("button", { name: "Try again", exact: true }).waitFor();
    other.abort();
    await waiters(gateway, 0);
    await retry.click();
    await state(page, "computing");
    await waiters(gateway, 1);
  });

  it("those who want it have a refused call made again by itself, until it gets through", async () => {
    const { page: address, gateway } = await ownGateway("--max-in-flight", "1");
    const other = hold(gateway);
    await waiters(gateway, 1);
    const page = await openAt(address);
    await compute(page);
    await failed(page, "Too many calls at once");
    await page.getByLabel("Try again by itself").check();
    const refusedTwice = async () =>
      (await gateway.metric('compute_gateway_refused_total{reason="too_many"}')) >= 2 ? true : undefined;
    await until("the call was made again", 20_000, refusedTwice);
    assert.equal(await page.getByLabel("Try again by itself").isChecked(), true);
    other.abort();
    await state(page, "computing");
    await waiters(gateway, 1);
  });

  it("without a worker the page says so, and brings the answer by itself when one has come", async () => {
    const { page: address, gateway } = await ownGateway("--no-worker-after", "1s");
    const page = await openAt(address);
    hold(gateway);
    await waiters(gateway, 1);
    // All but a trickle is refused once the first call has waited for long enough; somebody else's calls are the trickle.
    const noWorker = async () => {
      hold(gateway);
      hold(gateway);
      return (await gateway.metric('compute_gateway_refused_total{reason="no_worker"}')) > 0 ? true : undefined;
    };
    await until("calls are refused for want of a worker", 20_000, noWorker);
    await until("the call of the page is refused", 20_000, async () => {
      await noWorker();
      await compute(page);
      await page.locator("#error, #cancel").first().waitFor();
      // Escape does no harm to a call that is refused at this very moment.
      await page.keyboard.press("Escape");
      await page.locator("#main:is([data-state=idle], [data-state=failed])").waitFor();
      return (await page.locator("#error[data-reason=NO_WORKER]").count()) > 0 ? true : undefined;
    });
    await failed(page, "No worker answers");
    await screenshots(page, "state-no-worker");
    await accessibleInBothSchemes(page, "state-no-worker");
    // Where its time has come the call is made at once, and the box is gone with the failure.
    await page.getByLabel("Try again by itself").click();
    const worker = startWorker(stack, "late");
    try {
      await state(page, "done");
      assert.equal(await median(page), "5");
    } finally {
      await worker.stop();
    }
  });

  it("a list that is too large for the gateway is told from a service that is busy", async () => {
    const { page: address } = await ownGateway("--max-message-size", "1KiB");
    const page = await openAt(address);
    await compute(page, Array.from({ length: 500 }, (_, i) => 100_000 + i).join("\n"));
    await failed(page, "The list is too large");
    assert.equal(await detail(page, "error-reason"), "MESSAGE_TOO_LARGE");
    assert.equal(await page.locator("#retry").count(), 0);
  });

  it("a gateway that is shutting down says so, and the call can be made again", async () => {
    const { page: address, gateway } = await ownGateway();
    const page = await openAt(address);
    await compute(page);
    await waiters(gateway, 1);
    await gateway.stop();
    await failed(page, "The gateway is shutting down");
    assert.equal(await text(page, "[data-testid=error-code]"), "UNAVAILABLE (14)");
    await page.getByRole("button", { name: "Try again", exact: true }).waitFor();
  });

  it("a timeout in the address that is none is named", async () => {
    const page = await openAt(stack.page, {}, "?timeout=soon");
    await compute(page);
    await failed(page, "The address of this page cannot be read");
    assert.equal(await detail(page, "error-message"), "?timeout=soon");
  });

  it("in French every word of a failure is French, but for the gateway's own", async () => {
    const page = await openAt(stack.page, { locale: "fr-FR" }, "?timeout=1s");
    await compute(page);
    await state(page, "computing");
    await screenshot(page, "state-computing-french");
    await failed(page, "Pas de réponse en 1\u00a0s");
    assert.match(await text(page, "#error"), /Rien n’est perdu\u00a0: le travail continue/);
    await page.getByRole("link", { name: "Récupérer le résultat plus tard" }).waitFor();
    await page.locator("#error details summary").click();
    assert.equal(await page.getByTestId("error-message").getAttribute("lang"), "en");
    await accessible(page, "failure in French");
    await screenshot(page, "state-deadline-french");
    // The language can be changed while a failure is shown.
    await page.locator("#language").getByText("English").click();
    await page.getByRole("heading", { name: "No answer within 1\u00a0s" }).waitFor();
  });
});
