import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { readFile } from "node:fs/promises";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { screenshot, startChromium } from "./chromium";
import { isGiven, logRecord, startStack, type Stack } from "./stack";
import { until } from "./until";

const README_LIST = "4, 5, 2, 35, 2452";
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };

let browser: Browser;
let context: BrowserContext;
// What the console and the page complain about; a CSP violation would show here.
let complaints: string[];

before(async () => {
  browser = await startChromium();
});
after(() => browser?.close());
beforeEach(() => {
  complaints = [];
});
afterEach(async () => {
  await context?.close();
});

async function open(stack: Stack, options: BrowserContextOptions = {}, query = ""): Promise<Page> {
  context = await browser.newContext({ viewport: DESKTOP, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => {
    if (message.type() === "error") {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(new URL(query, stack.page).href);
  await page.locator("#main[data-state=idle]").waitFor();
  return page;
}

async function computed(page: Page, list: string): Promise<void> {
  await page.fill("#values", list);
  await page.click("#compute");
  await page.locator("#main[data-state=done]").waitFor();
}

const text = (page: Page, selector: string) => page.locator(selector).innerText();
const stat = (page: Page, name: string) => text(page, `[data-stat="${name}"]`);

async function hasNoHorizontalScroll(page: Page): Promise<void> {
  const [content, visible] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok((content ?? 0) <= (visible ?? 0), `content is ${content} px wide, the window ${visible} px`);
}

describe("with a worker", () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack(1);
  });
  after(() => stack?.stop());

  // Otherwise the other tests would judge another page than the one in dist/.
  it("the gateway serves the bundle in dist/: after npm run build it must be built again", async () => {
    for (const [path, name] of [
      ["", "index.html"],
      ["app.js", "app.js"],
      ["app.css", "app.css"],
      ["favicon.svg", "favicon.svg"],
    ] as const) {
      const response = await fetch(new URL(path, stack.page));
      assert.equal(response.status, 200, path);
      const served = Buffer.from(await response.arrayBuffer());
      assert.ok(served.equals(await readFile(`dist/${name}`)), `${name} is served as it was in an earlier build`);
    }
  });

  it("the list of the README gives its statistics, and the summary of its log record", async (t) => {
    const page = await open(stack);
    await screenshot(page, "idle");
    await computed(page, README_LIST);
    assert.equal(await stat(page, "count"), "5");
    assert.equal(await stat(page, "min"), "2");
    assert.equal(await stat(page, "max"), "2452");
    assert.equal(await stat(page, "median"), "5");
    assert.equal(await stat(page, "mean"), "499.6");
    assert.equal(await stat(page, "sum"), "2498");
    const summary = await page.locator("#summary").textContent();
    assert.equal(summary, "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6");
    assert.match(await text(page, "#worker"), /\S/);
    assert.match(await text(page, '[data-part="total"] .number'), /^[\d.]+ m?s$/);
    for (const part of ["gateway", "request-queue", "work", "reply-queue"]) {
      assert.match(await text(page, `[data-part="${part}"] .number`), /^(< 1|[\d.]+) m?s$/);
    }
    const operationId = await text(page, "#operation-id");
    assert.match(operationId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    await screenshot(page, "done");
    assert.deepEqual(complaints, []);
    if (stack.logs === undefined) {
      t.diagnostic("the log record was not compared: the log folder of a given stack is not known");
      return;
    }
    assert.equal((await logRecord(stack.logs, operationId))["summary"], summary);
  });

  it("quantiles and a histogram are shown when asked for", async () => {
    const page = await open(stack);
    await page.click("#options summary");
    await page.fill("#quantiles", "0.25, 0.5, 1");
    await page.fill("#bins", "12");
    const values = Array.from({ length: 400 }, (_, i) => Math.round(60 * Math.sin(i) + 40 * Math.cos(i * i)));
    await computed(page, values.join("\n"));
    assert.deepEqual(await page.locator("[data-quantile]").count(), 3);
    assert.equal(await text(page, '[data-quantile="1"]'), String(Math.max(...values)));
    assert.equal(await page.locator(".histogram rect").count(), 12);
    const counts = await page.getByTestId("bin-count").allTextContents();
    assert.equal(
      counts.map(Number).reduce((a, b) => a + b, 0),
      400,
    );
    assert.deepEqual(complaints, []);
    await screenshot(page, "extras");
    await page.setViewportSize(PHONE);
    await hasNoHorizontalScroll(page);
    await screenshot(page, "extras-phone");
  });

  it("integers at both ends of 64 bits keep every digit, and fit a phone", async () => {
    const page = await open(stack, { viewport: PHONE });
    await computed(page, "-9223372036854775808; 9223372036854775807; 9007199254740993");
    assert.equal(await stat(page, "min"), "-9223372036854775808");
    assert.equal(await stat(page, "max"), "9223372036854775807");
    assert.equal(await stat(page, "sum"), "9007199254740992");
    await hasNoHorizontalScroll(page);
    await screenshot(page, "wide-numbers-phone");
  });

  it("a list of more than 1,000 values has its log record's summary too", { skip: isGiven }, async () => {
    const page = await open(stack);
    await computed(page, Array.from({ length: 1_500 }, (_, i) => i - 700).join(" "));
    const summary = await page.locator("#summary").textContent();
    assert.match(summary ?? "", /298, 299, …\] \(1500 values\)\n/);
    const record = await logRecord(stack.logs ?? "", await text(page, "#operation-id"));
    assert.equal(record["summary"], summary);
  });

  it("a pasted list of 100,000 values is computed", async () => {
    const page = await open(stack);
    await computed(page, Array.from({ length: 100_000 }, (_, i) => i).join(","));
    assert.equal(await stat(page, "count"), "100000");
    assert.equal(await stat(page, "median"), "49999.5");
    assert.match(await text(page, "#count"), /^100,000 integers: 0, 1, 2, .*, …, 99999$/);
  });

  it("the count says how the list was read while it is typed", async () => {
    const page = await open(stack);
    assert.equal(await text(page, "#count"), "No integers yet");
    await page.fill("#values", "1,234");
    await page.getByText("2 integers: 1, 234").waitFor();
    await page.fill("#values", "1\u00a0234\u202f567");
    await page.getByText("1 integer: 1234567").waitFor();
    await page.fill("#values", "[4, 5,\n4.5]");
    await page.getByText("“4.5” on line 2, column 1 is a decimal; only integers are accepted").waitFor();
    assert.equal(await page.getAttribute("#values", "aria-invalid"), "true");
  });

  it("bad tokens are named, and one click selects them", async () => {
    const page = await open(stack);
    await page.fill("#values", "4, 5\n2, abc, 1.5");
    await page.click("#compute");
    await page.locator("#main[data-state=error]").waitFor();
    const error = await text(page, "#error");
    assert.match(error, /“abc” on line 2, column 4 is not an integer\./);
    assert.match(error, /“1\.5” on line 2, column 9 is a decimal;/);
    await screenshot(page, "bad-tokens");
    await page.getByRole("button", { name: "Show line 2, column 9" }).click();
    const selected = await page.locator("#values").evaluate((field) => {
      const { value, selectionStart, selectionEnd } = field as HTMLTextAreaElement;
      return value.slice(selectionStart, selectionEnd);
    });
    assert.equal(selected, "1.5");
    assert.deepEqual(complaints, []);
  });

  it("an empty list is refused before a call is made", async () => {
    const page = await open(stack);
    const calls: string[] = [];
    page.on("request", (request) => calls.push(request.url()));
    await page.fill("#values", " , ");
    await page.click("#compute");
    await page.locator("#main[data-state=error]").waitFor();
    assert.match(await text(page, "#error"), /The list is empty/);
    assert.deepEqual(calls, []);
  });

  it("what the gateway does not accept is listed field by field, with code and operation", async () => {
    const page = await open(stack);
    await page.click("#options summary");
    await page.fill("#values", README_LIST);
    await page.fill("#quantiles", "0.5, 2");
    await page.fill("#bins", "5000");
    await page.click("#compute");
    await page.locator("#main[data-state=error]").waitFor();
    assert.equal(await page.getByTestId("error-code").innerText(), "INVALID_ARGUMENT (3)");
    const violations = await page.getByTestId("violations").innerText();
    assert.match(violations, /quantiles\[1\] \S/);
    assert.match(violations, /histogram\.bins \S/);
    assert.match(await page.getByTestId("error-operation-id").innerText(), /^[0-9a-f-]{36}$/);
    assert.equal(await page.getAttribute("#quantiles", "aria-invalid"), "true");
    assert.equal(await page.getAttribute("#bins", "aria-invalid"), "true");
    await screenshot(page, "violations");
  });

  it("Ctrl+Enter in the list computes", async () => {
    const page = await open(stack);
    await page.fill("#values", README_LIST);
    await page.press("#values", "Control+Enter");
    await page.locator("#main[data-state=done]").waitFor();
    assert.equal(await stat(page, "mean"), "499.6");
    assert.match(await page.locator("#status").innerText(), /^Done in .* mean 499\.6\.$/);
  });

  it("the copy button copies the summary", async () => {
    const page = await open(stack, { permissions: ["clipboard-read", "clipboard-write"] });
    await computed(page, README_LIST);
    await page.click("#copy");
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, await page.locator("#summary").textContent());
  });

  it("a phone shows everything without horizontal scrolling", async () => {
    const page = await open(stack, { viewport: PHONE, hasTouch: true, isMobile: true });
    await hasNoHorizontalScroll(page);
    await screenshot(page, "idle-phone");
    await computed(page, README_LIST);
    await hasNoHorizontalScroll(page);
    await screenshot(page, "done-phone");
  });

  it("dark mode is dark", async () => {
    const page = await open(stack, { colorScheme: "dark" });
    await page.click("#options summary");
    await page.fill("#quantiles", "0.25 0.75 0.99");
    await page.fill("#bins", "8");
    await computed(page, "3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 8 4 6 2 6 4 3 3 8 3 2 7 9 5");
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const channels = background.match(/\d+/g)?.map(Number) ?? [];
    assert.ok(channels.length === 3 && channels.every((channel) => channel < 64), background);
    await screenshot(page, "dark");
  });

  it("a gateway that went away is said to be unreachable, and the page recovers", async () => {
    const page = await open(stack);
    await page.fill("#values", README_LIST);
    await context.setOffline(true);
    await page.click("#compute");
    await page.locator("#main[data-state=error]").waitFor();
    assert.match(await text(page, "#error"), /The gateway cannot be reached/);
    await screenshot(page, "unreachable");
    await context.setOffline(false);
    await page.click("#compute");
    await page.locator("#main[data-state=done]").waitFor();
    assert.equal(await stat(page, "median"), "5");
  });

  it("every input has a label and a description", async () => {
    const page = await open(stack);
    await page.click("#options summary");
    for (const label of ["Integers", "Quantiles", "Histogram bins"]) {
      const field = page.getByLabel(label, { exact: true });
      const ids = (await field.getAttribute("aria-describedby"))?.split(" ") ?? [];
      assert.ok(ids.length > 0, label);
      for (const id of ids) {
        assert.match(await text(page, `#${id}`), /\S/);
      }
    }
  });
});

describe("without a worker", { skip: isGiven && "a given stack has its worker" }, () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack(0);
  });
  after(() => stack?.stop());

  it("a deadline that passes is explained, with code and operation", async () => {
    const page = await open(stack, {}, "?timeout=1s");
    await page.fill("#values", README_LIST);
    await page.click("#compute");
    await page.locator("#main[data-state=error]").waitFor();
    assert.match(await text(page, "#error"), /No answer came within 1 s,/);
    assert.equal(await page.getByTestId("error-code").innerText(), "DEADLINE_EXCEEDED (4)");
    assert.match(await page.getByTestId("error-operation-id").innerText(), /^[0-9a-f-]{36}$/);
    await screenshot(page, "deadline");
  });

  it("a timeout in the address that is none is named", async () => {
    const page = await open(stack, {}, "?timeout=soon");
    await page.fill("#values", README_LIST);
    await page.click("#compute");
    await page.locator("#main[data-state=error]").waitFor();
    assert.match(await text(page, "#error"), /timeout=soon/);
  });

  it("Cancel aborts the call on the wire and leaves the page ready", async () => {
    const page = await open(stack);
    const aborted: string[] = [];
    page.on("requestfailed", (request) => aborted.push(request.failure()?.errorText ?? ""));
    await page.fill("#values", README_LIST);
    await page.click("#compute");
    await page.locator("#main[data-state=computing]").waitFor();
    assert.equal(await page.locator("#compute").isDisabled(), true);
    await page.getByText(/^0\.[3-9] s$/).waitFor();
    await screenshot(page, "computing");
    await page.click("#cancel");
    await page.locator("#main[data-state=idle]").waitFor();
    await until("the browser has aborted the request", 5_000, async () => aborted[0]);
    assert.deepEqual(aborted, ["net::ERR_ABORTED"]);
    assert.equal(await page.locator("#cancel").isVisible(), false);
    assert.equal(await page.locator("#compute").isEnabled(), true);
    assert.equal(await page.locator("#status").innerText(), "Cancelled");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "compute");
  });
});
