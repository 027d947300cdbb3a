// What the page shows of a call that fails on its way: refused as it is, without a gateway, without a token, with an answer that
// is not as the page knows it. A gateway brings it about wherever it can, else a proxy.

import { create, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { ComputeResponseSchema } from "../../gen/compute/v1/compute_pb";
import {
  accessibleInBothSchemes,
  compute,
  detail,
  failed,
  ID,
  LIST,
  median,
  openAt,
  screenshots,
  state,
  text,
  type,
  withBrowser,
} from "./calls-on-page";
import { screenshot } from "./chromium";
import { refuse, respond, startProxy, type Handle, type Proxy } from "./proxy";
import { startStack, type Stack } from "./stack";

withBrowser();

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
