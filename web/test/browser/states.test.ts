// What the page shows of a call under way, and of one that fails: each state is brought about by a gateway wherever one can be
// brought there, else by a proxy.

import { create, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { ComputeResponseSchema } from "../../gen/compute/v1/compute_pb";
import { accessible } from "./axe";
import { screenshot, startChromium } from "./chromium";
import { startGateway, type Gateway } from "./gateway";
import { open, PHONE, type Opened } from "./open";
import { refuse, respond, startProxy, type Handle, type Proxy } from "./proxy";
import { isGiven, startStack, type Stack } from "./stack";
import { until } from "./until";
import { startWorker } from "./worker";

const LIST = "4, 5, 2, 35, 2452";
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let browser: Browser;
let opened: Opened[];

before(async () => {
  browser = await startChromium();
});
after(() => browser?.close());
beforeEach(() => {
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map(({ context }) => context.close()));
  const violations = opened.flatMap(({ complaints }) => complaints.filter((said) => said.includes("Content Security")));
  assert.deepEqual(violations, []);
});

async function openAt(address: string, options: BrowserContextOptions = {}, query = ""): Promise<Page> {
  const one = await open(browser, { page: address } as Stack, options, query);
  opened.push(one);
  return one.page;
}

async function compute(page: Page, list = LIST): Promise<void> {
  await page.fill("#values", list);
  await page.click("#compute");
}

// Types the list, and waits until it is read: the thread that does it comes from the gateway, too.
async function type(page: Page): Promise<void> {
  await page.fill("#values", LIST);
  await page.getByText("5 integers: 4, 5, 2, 35, 2452").waitFor();
}

const state = (page: Page, name: string) => page.locator(`#main[data-state=${name}]`).waitFor();
const text = (page: Page, selector: string) => page.locator(selector).innerText();
const median = (page: Page) => page.locator('[data-stat="median"]').first().innerText();

async function failed(page: Page, title: string | RegExp): Promise<void> {
  await state(page, "failed");
  const shown = await text(page, "#error h2");
  assert.ok(typeof title === "string" ? shown === title : title.test(shown), `the title is “${shown}”`);
}

async function detail(page: Page, name: string): Promise<string> {
  const details = page.locator("#error details");
  if (!(await details.evaluate((element) => (element as HTMLDetailsElement).open))) {
    await details.locator("summary").click();
  }
  return page.getByTestId(name).innerText();
}

async function hasNoHorizontalScroll(page: Page): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `the content is ${over} px wider than the window`);
}

// The same state as it looks in the dark, on a phone, and in French.
async function screenshots(page: Page, name: string): Promise<void> {
  await screenshot(page, name);
  await page.emulateMedia({ colorScheme: "dark" });
  await screenshot(page, `${name}-dark`);
  await page.emulateMedia({ colorScheme: "light" });
  const size = page.viewportSize();
  await page.setViewportSize(PHONE);
  await hasNoHorizontalScroll(page);
  await screenshot(page, `${name}-phone`);
  if (size !== null) {
    await page.setViewportSize(size);
  }
}

async function accessibleInBothSchemes(page: Page, name: string): Promise<void> {
  await accessible(page, name);
  await page.emulateMedia({ colorScheme: "dark" });
  await accessible(page, `${name}, dark`);
  await page.emulateMedia({ colorScheme: "light" });
}

describe("with a worker", () => {
  let stack: Stack;
  let proxy: Proxy | undefined;
  before(async () => {
    stack = await startStack(1);
  });
  after(() => stack?.stop());
  afterEach(async () => {
    await proxy?.stop();
    proxy = undefined;
  });

  async function behind(handle: Handle, port?: number): Promise<string> {
    proxy = await startProxy(stack.page, handle, stack.page, port);
    return proxy.page;
  }

  it("before a call the page says what will happen", async () => {
    const page = await openAt(stack.page);
    assert.match(await text(page, ".answer"), /The answer appears here\s+Your list goes through a queue to a worker/);
  });

  it("what the gateway does not accept is listed field by field, by the form's names", async () => {
    const page = await openAt(stack.page);
    await page.locator("details:has(#quantiles) summary").click();
    await page.fill("#quantiles", "0.5, 2");
    await page.fill("#bins", "5000");
    await compute(page);
    await failed(page, "The request was not accepted");
    const violations = await page.getByTestId("violations").innerText();
    assert.match(violations, /Quantile 2\s+2\.0 is not a probability/);
    assert.match(violations, /Histogram bins\s+5000 bins were asked for/);
    assert.equal(await page.locator("#retry").count(), 0, "the same call would fail again");
    assert.equal(await text(page, "[data-testid=error-code]"), "INVALID_ARGUMENT (3)");
    assert.equal(await detail(page, "error-reason"), "INVALID_REQUEST");
    assert.match(await detail(page, "error-operation-id"), ID);
    await screenshots(page, "state-invalid");
    await accessibleInBothSchemes(page, "state-invalid");
  });

  it("a gateway that is away is unreachable, and trying again when it is back brings the answer without a new upload", async () => {
    const address = await behind((_asked, _answer, handOn) => handOn());
    const page = await openAt(address);
    await type(page);
    await proxy?.stop();
    await page.click("#compute");
    await failed(page, "The gateway cannot be reached");
    assert.equal(await page.getByTestId("error-code").count(), 0);
    await screenshots(page, "state-unreachable");
    await accessibleInBothSchemes(page, "state-unreachable");
    await behind((_asked, _answer, handOn) => handOn(), Number(new URL(address).port));
    await page.focus("#retry");
    await page.keyboard.press("Enter");
    await state(page, "done");
    assert.equal(await median(page), "5");
    const focused = await page.evaluate(() => document.activeElement?.className);
    assert.equal(focused, "call-answer", "the keyboard goes on from the answer");
    assert.equal(await page.inputValue("#values"), LIST);
  });

  it("a list that was changed since is not what is tried again", async () => {
    const page = await openAt(await behind((_asked, answer) => refuse(answer, 14, "away")));
    await compute(page);
    await failed(page, "The service is not available");
    assert.equal(await text(page, "#retry"), "Try again");
    await page.fill("#values", "1, 2");
    await page.getByText("The form holds another list now").waitFor();
    assert.equal(await page.locator("#retry").count(), 0);
  });

  it("without a network the page says that it is the device", async () => {
    const page = await openAt(stack.page);
    await type(page);
    await page.context().setOffline(true);
    await page.click("#compute");
    await failed(page, "You are offline");
  });

  describe("behind a proxy that authenticates", () => {
    // As one that a gateway is deployed behind: it answers in gRPC-Web, without a body.
    const authenticate: Handle = (asked, answer, handOn) =>
      asked.headers.authorization === "Bearer open-sesame" ? handOn() : refuse(answer, 16, "a token is wanted");

    it("a token is asked for, the call is made again with it, and the tab forgets it when told to", async () => {
      const page = await openAt(await behind(authenticate));
      await compute(page);
      await failed(page, "A token is needed");
      assert.equal(await text(page, "[data-testid=error-code]"), "UNAUTHENTICATED (16)");
      await screenshots(page, "state-token");
      await accessibleInBothSchemes(page, "state-token");
      const field = page.getByLabel("Token");
      assert.equal(await field.getAttribute("type"), "password");

      await field.fill("wrong");
      await field.press("Enter");
      await page.getByText("The token that was given is not accepted.").waitFor();
      await field.fill("not a token");
      await field.press("Enter");
      await page.getByText("A token has no spaces").waitFor();
      await field.fill("Bearer open-sesame");
      await page.getByTestId("use-token").click();
      await state(page, "done");
      assert.equal(await median(page), "5");

      // Kept in the tab over a reload, and nowhere else.
      await page.reload();
      await compute(page);
      await state(page, "done");
      const others = await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie);
      assert.ok(!others.includes("open-sesame"), others);
      await page.getByTestId("forget-token").click();
      await page.getByTestId("forget-token").waitFor({ state: "detached" });
      await page.click("#compute");
      await failed(page, "A token is needed");
    });

    it("a plain 401 asks for a token, too", async () => {
      const page = await openAt(
        await behind((asked, answer, handOn) => {
          if (asked.headers.authorization === undefined) {
            answer.writeHead(401, { "content-type": "text/html", "www-authenticate": "Bearer" });
            answer.end("<h1>Unauthorized</h1>");
          } else {
            handOn();
          }
        }),
      );
      await compute(page);
      await failed(page, "A token is needed");
      await page.getByLabel("Token").fill("anything");
      await page.keyboard.press("Enter");
      await state(page, "done");
    });
  });

  describe("behind a gateway of another version", () => {
    it("an unknown code is shown with what is known of it", async () => {
      const page = await openAt(await behind((_asked, answer) => refuse(answer, 42, "a new kind of failure")));
      await compute(page);
      await failed(page, "An error that this page does not know");
      assert.match(await text(page, "#error"), /code 42\b/);
      assert.equal(await text(page, "[data-testid=error-code]"), "42");
      assert.equal(await detail(page, "error-message"), "a new kind of failure");
      await page.getByRole("button", { name: "Reload the page" }).waitFor();
      await screenshot(page, "state-unknown-code");
    });

    it("an answer without statistics is an error that says so", async () => {
      const message = create(ComputeResponseSchema, { operationId: "01980000-0000-7000-8000-000000000000" });
      const bytes = toBinary(ComputeResponseSchema, message);
      const page = await openAt(await behind((_asked, answer) => respond(answer, bytes)));
      await compute(page);
      await failed(page, "The answer holds no statistics");
      await page.getByRole("button", { name: "Reload the page" }).waitFor();
    });

    it("an answer with an older timing, and no more than the first statistics, is shown", async () => {
      const message = create(ComputeResponseSchema, {
        operationId: "01980000-0000-7000-8000-000000000000",
        statistics: { count: 5n, min: 2n, max: 2452n, median: 5, mean: 499.6 },
        timing: { total: { seconds: 0n, nanos: 3_000_000 } },
      });
      const page = await openAt(
        await behind((_asked, answer) => respond(answer, toBinary(ComputeResponseSchema, message))),
      );
      await compute(page);
      await state(page, "done");
      assert.equal(await median(page), "5");
      assert.match(await text(page, "#summary"), /Mean:499\.6/);
    });

    it("a page of a proxy in the place of the answer is told from the gateway", async () => {
      const page = await openAt(
        await behind((_asked, answer) => {
          answer.writeHead(200, { "content-type": "text/html" });
          answer.end("<!doctype html><title>Sign in</title><p>Please sign in to go on to the site that you wanted.");
        }),
      );
      await compute(page);
      await failed(page, "That was not the gateway");
    });
  });
});

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
      const reason = await page.locator("#error[data-reason=NO_WORKER]").count();
      if (reason === 0) {
        await page.click("#cancel");
        await state(page, "idle");
      }
      return reason > 0 ? true : undefined;
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
