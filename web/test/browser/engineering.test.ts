// How the page comes to a browser: quickly, safely, and only once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { startChromium } from "./chromium";
import { DESKTOP, open } from "./open";
import { isServedByGateway, startStack, type Stack } from "./stack";

/** Of all that the browser loads for the page. */
const BUDGET_BYTES = 150_000;
const FIRST_PAINT_MS = 300;

// While the page is worked on, a server of Node's is in front, which neither compresses nor has anything kept.
const byGateway = isServedByGateway ? {} : { skip: "the page is not served by the gateway itself" };

let stack: Stack;
let browser: Browser;

before(async () => {
  stack = await startStack(1);
  browser = await startChromium();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

test("something is seen within 300 ms, by the browser's own clock, the median of five first visits", async () => {
  // Whatever else the machine does lengthens it: so the best of three rounds, and no more than are needed.
  const medians: number[] = [];
  while (medians.length < 3 && !medians.some((median) => median < FIRST_PAINT_MS)) {
    const paints: number[] = [];
    for (let visit = 0; visit < 5; visit += 1) {
      const { page, context } = await open(browser, stack);
      paints.push(await firstPaint(page));
      await context.close();
    }
    console.log(`first contentful paint: ${paints.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    medians.push(paints.toSorted((a, b) => a - b)[2] ?? Number.NaN);
  }
  assert.ok(Math.min(...medians) < FIRST_PAINT_MS, `the medians are ${medians.join(", ")} ms`);
});

test("nothing moves after the first paint", async () => {
  const { page, context } = await open(browser, stack);
  const shift = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const sum = (entries: readonly PerformanceEntry[]) =>
          entries.reduce((total, entry) => total + (entry as PerformanceEntry & { value: number }).value, 0);
        const observer = new PerformanceObserver(() => {});
        observer.observe({ type: "layout-shift", buffered: true });
        // Two frames: what the page has drawn by now is laid out then.
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum(observer.takeRecords()))));
      }),
  );
  // What browsers call good is below 0.1.
  assert.ok(shift < 0.1, `${shift}`);
  await context.close();
});

test("the page works under a policy without unsafe-*, with nothing inline and nothing from elsewhere", async () => {
  const { page, context, complaints } = await open(browser, stack);
  const policy = (await page.request.get(stack.page)).headers()["content-security-policy"] ?? "";
  assert.match(policy, /default-src 'none'.*script-src 'self'.*style-src 'self'/);
  assert.doesNotMatch(policy, /unsafe-|\*|data:|blob:/);

  const html = await (await page.request.get(stack.page)).text();
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/i);
  const origins = await page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => new URL(name).origin),
  );
  assert.deepEqual([...new Set(origins)], [new URL(stack.page).origin]);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("the page's console stays silent from opening it to the answer", async () => {
  const { page, context, complaints } = await open(browser, stack);
  await page.locator("#values").fill("4, 5, 2, 35, 2452");
  await page.locator("#compute").click();
  await page.locator('[data-stat="median"]').waitFor();
  await page.goto(new URL("#/operations", stack.page).href);
  await page.locator('#main[data-view="history"]').waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("all that a first visit loads is within the budget, and comes compressed", byGateway, async () => {
  const { page, context } = await open(browser, stack);
  const loaded = await transfers(page);
  const total = loaded.reduce((sum, { encoded }) => sum + encoded, 0);
  assert.ok(total < BUDGET_BYTES, `${total} bytes`);
  for (const { name, encoded, decoded } of loaded) {
    assert.ok(encoded < decoded, `${name}: ${encoded} of ${decoded} bytes`);
  }
  await context.close();
});

test("a browser that comes back asks for the page and for none of its assets", byGateway, async () => {
  const { page, context } = await open(browser, stack);
  const asked: string[] = [];
  await page.goto("about:blank");
  await page.goto(stack.page);
  await page.locator("#main").waitFor();
  for (const { name, transferred } of await transfers(page)) {
    if (transferred > 0) {
      asked.push(new URL(name).pathname);
    }
  }
  assert.ok(asked.includes("/"), "the page is asked for");
  assert.deepEqual(
    asked.filter((path) => path.startsWith("/assets/")),
    [],
  );
  await context.close();
});

test("without JavaScript the page says what it needs, in both languages", async () => {
  const context = await browser.newContext({ viewport: DESKTOP, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(stack.page);
  // Playwright does not look for texts in a `noscript`.
  const [english, french] = [page.locator("noscript p:not([lang])"), page.locator("noscript p[lang=fr]")];
  await english.waitFor({ state: "visible" });
  assert.match((await english.textContent()) ?? "", /JavaScript, which is switched off/);
  assert.match((await french.textContent()) ?? "", /JavaScript, qui est désactivé/);
  await context.close();
});

async function firstPaint(page: Page): Promise<number> {
  const paint = await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  return (await paint.jsonValue()) ?? Number.NaN;
}

interface Transfer {
  readonly name: string;
  readonly transferred: number;
  readonly encoded: number;
  readonly decoded: number;
}

/** What the page and its assets cost to load: 0 bytes were transferred of what came from the browser's cache. */
function transfers(page: Page): Promise<Transfer[]> {
  return page.evaluate(() =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .map((entry) => entry as PerformanceResourceTiming)
      .map(({ name, transferSize, encodedBodySize, decodedBodySize }) => ({
        name,
        transferred: transferSize,
        encoded: encodedBodySize,
        decoded: decodedBodySize,
      })),
  );
}
