import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, describe, it } from "node:test";
import type { Browser, BrowserContextOptions, Download, Page } from "playwright-core";
import { screenshot, startChromium } from "./chromium";
import { open, PHONE, type Opened } from "./open";
import { logRecord, startStack, type Stack } from "./stack";

const README_LIST = "4, 5, 2, 35, 2452";
const README_SUMMARY = "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6";
const EXTREMES = "-9223372036854775808; 9223372036854775807; 9007199254740993";
const INT64_MAX = 2n ** 63n - 1n;

let browser: Browser;
let stack: Stack;
let opened: Opened;

before(async () => {
  browser = await startChromium();
  stack = await startStack(1);
});
after(async () => {
  await stack?.stop();
  await browser?.close();
});
afterEach(() => opened?.context.close());

/** Opens the page and has it compute over a list. */
async function computed(list: string, options: BrowserContextOptions = {}, extras: Extras = {}): Promise<Page> {
  opened = await open(browser, stack, options);
  const { page } = opened;
  await page.fill("#values", list);
  if (extras.quantiles !== undefined || extras.bins !== undefined) {
    await page
      .locator("details", { has: page.locator("#quantiles") })
      .locator("summary")
      .click();
    await page.fill("#quantiles", extras.quantiles ?? "");
    await page.fill("#bins", extras.bins ?? "");
  }
  await page.click("#compute");
  await page.locator("#main[data-state=done] #result").waitFor();
  return page;
}

interface Extras {
  readonly quantiles?: string;
  readonly bins?: string;
}

const shown = (page: Page, selector: string) => page.locator(selector).innerText();
const raw = (page: Page, selector: string) => page.locator(`${selector} data`).getAttribute("value");
const stat = (page: Page, name: string) => raw(page, `[data-stat="${name}"]`);
const clipboard = (page: Page) => page.evaluate(() => navigator.clipboard.readText());
const MAY_COPY = { permissions: ["clipboard-read", "clipboard-write"] };

/** The same numbers in every run, about as many in the middle as there are people of middle height. */
function bell(count: number): string {
  let state = 1;
  const uniform = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
  const value = () => Math.round(100 * Array.from({ length: 6 }, uniform).reduce((sum, x) => sum + x - 0.5, 0));
  return Array.from({ length: count }, value).join(" ");
}

async function fits(page: Page): Promise<void> {
  const [content, visible] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok((content ?? 0) <= (visible ?? 0), `content is ${content} px wide, the window ${visible} px`);
}

describe("the figures", () => {
  it("are right, in the user's form, with what programs read beside it", async () => {
    const page = await computed(README_LIST, {}, { quantiles: "0.9" });
    const expected = {
      min: "2",
      max: "2452",
      median: "5",
      mean: "499.6",
      count: "5",
      sum: "2498",
      variance: "953114.64",
    };
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(await stat(page, name), value, name);
    }
    assert.match((await stat(page, "std_dev")) ?? "", /^976\.27590362560\d+$/);
    assert.equal(await shown(page, '[data-stat="max"]'), "2,452");
    assert.equal(await raw(page, '[data-quantile="0.25"]'), "4");
    assert.equal(await raw(page, '[data-quantile="0.75"]'), "35");
    assert.match((await raw(page, '[data-quantile="0.9"]')) ?? "", /^1485\.2/);
    assert.deepEqual(opened.complaints, []);
    await screenshot(page, "result-light");
  });

  it("are written as French people write them, and read by programs as before", async () => {
    const page = await computed(README_LIST, { locale: "fr-FR" });
    assert.equal(await shown(page, '[data-stat="max"]'), "2\u202f452");
    assert.equal(await shown(page, '[data-stat="mean"]'), "499,6");
    assert.equal(await stat(page, "mean"), "499.6");
    await page.getByRole("heading", { name: "Où est passé le temps" }).waitFor();
    await screenshot(page, "result-french");
  });

  it("of 64 bits keep every digit, and fit the narrowest phone", async () => {
    const page = await computed(EXTREMES, { viewport: { width: 320, height: 640 } });
    assert.equal(await stat(page, "min"), "-9223372036854775808");
    assert.equal(await stat(page, "max"), "9223372036854775807");
    assert.equal(await stat(page, "sum"), "9007199254740992");
    await fits(page);
    await screenshot(page, "result-64-bit-phone");
  });

  it("of sums beyond 64 bits keep every digit, too", async () => {
    const page = await computed(Array.from({ length: 40 }, () => INT64_MAX).join(","), { viewport: PHONE });
    assert.equal(await stat(page, "sum"), String(40n * INT64_MAX));
    await fits(page);
    await screenshot(page, "result-equal-phone");
  });

  it("are copied one by one, as programs read them, with keys alone", async () => {
    const page = await computed(README_LIST, MAY_COPY);
    await page.locator('[data-stat="max"] button').focus();
    await page.keyboard.press("Enter");
    await page.locator("#status", { hasText: "Copied" }).waitFor({ state: "attached" });
    assert.equal(await clipboard(page), "2452");
  });

  it("are copied all at once", async () => {
    const page = await computed(README_LIST, MAY_COPY);
    await page.getByRole("button", { name: "Copy all" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const lines = (await clipboard(page)).split("\n");
    assert.deepEqual(lines.slice(0, 6), ["min\t2", "max\t2452", "median\t5", "mean\t499.6", "count\t5", "sum\t2498"]);
    assert.ok(lines.includes("quantile 0.75\t35"), lines.join());
  });

  it("are copied where the browser has no clipboard for the page, as over plain HTTP", async () => {
    const page = await computed(README_LIST, MAY_COPY);
    await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true }));
    const button = page.locator('[data-stat="sum"] button');
    await button.click();
    await page.locator("#status", { hasText: "Copied" }).waitFor({ state: "attached" });
    assert.ok(await button.evaluate((element) => element === document.activeElement), "the focus stays");
    // What was copied is told by what is pasted.
    await page.fill("#values", "");
    await page.focus("#values");
    await page.keyboard.press("Control+V");
    assert.equal(await page.inputValue("#values"), "2498");
  });
});

describe("the distribution", () => {
  it("has as many bars as bins were asked for, and a table of the same numbers", async () => {
    const page = await computed(bell(400), {}, { bins: "12" });
    assert.equal(await page.locator(".bars rect").count(), 12);
    await page.locator("#histogram summary").click();
    const counts = await page
      .getByTestId("bin-count")
      .locator("data")
      .evaluateAll((cells) => cells.map((cell) => Number((cell as HTMLDataElement).value)));
    assert.equal(counts.length, 12);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      400,
    );
    const highest = Math.max(...counts);
    const heights = await page
      .locator(".bars rect")
      .evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute("height"))));
    heights.forEach((height, i) => {
      const expected = ((counts[i] ?? 0) / highest) * Math.max(...heights);
      assert.ok(Math.abs(height - expected) <= 2, `bar ${i} is ${height} px high, not ${expected}`);
    });
    assert.deepEqual(opened.complaints, []);
  });

  it("has the bars where their edges are on the axis, and box and whiskers where theirs are", async () => {
    const page = await computed("0 1 2 3 4 5 6 7 8 10", {}, { bins: "5" });
    const box = async (selector: string) => {
      const found = await page.locator(selector).boundingBox();
      assert.ok(found, selector);
      return found;
    };
    const axis = await box(".bin-explorer");
    const at = (value: number) => axis.x + (value / 10) * axis.width;
    const near = (is: number, ought: number, what: string, tolerance = 2) =>
      assert.ok(Math.abs(is - ought) < tolerance, `${what} is at ${is} px, not ${ought}`);
    for (let bin = 0; bin < 5; bin += 1) {
      const bar = await box(`.bars rect:nth-child(${bin + 1})`);
      near(bar.x, at(2 * bin), `bar ${bin}`);
      near(bar.x + bar.width, at(2 * bin + 2), `the end of bar ${bin}`);
    }
    const quartiles = await box(".box-plot .box");
    near(quartiles.x, at(2.25), "the lower quartile");
    near(quartiles.x + quartiles.width, at(6.75), "the upper quartile");
    const whiskers = await box(".box-plot .whisker");
    // Browsers give the box of a line room for mitres.
    near(whiskers.x, at(0), "the smallest value", 4);
    near(whiskers.x + whiskers.width, at(10), "the largest value", 4);
  });

  it("is told in words to those who do not see it", async () => {
    const page = await computed(README_LIST);
    const label = (await page.locator("#histogram [role=img]").getAttribute("aria-label")) ?? "";
    assert.match(label, /^Distribution of 5 values\. Min 2, Q1 4, Median 5, Q3 35, Mean 499\.6, Max 2,452\./);
    assert.match(label, /The fullest bin, from 2 to 83\.6\d*, holds 4 values\.$/);
  });

  it("tells the numbers of a bin under the pointer, the finger and the arrow keys", async () => {
    const page = await computed("1 1 1 2 3", {}, { bins: "2" });
    const bins = page.getByRole("slider", { name: "Bins of the histogram" });
    await bins.hover({ position: { x: 10, y: 50 } });
    assert.equal(await shown(page, ".bin-tip"), "3 values 1 to 2");
    await page.mouse.move(0, 0);
    await page.locator(".bin-tip").waitFor({ state: "detached" });
    await bins.focus();
    await page.keyboard.press("End");
    assert.equal(await shown(page, ".bin-tip"), "2 values 2 to 3");
    assert.equal(await bins.getAttribute("aria-valuetext"), "2 to 3: 2 values");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await shown(page, ".bin-tip"), "3 values 1 to 2");
    await page.keyboard.press("Escape");
    await page.locator(".bin-tip").waitFor({ state: "detached" });
  });

  it("follows the width of the window", async () => {
    const page = await computed(bell(2_000));
    await screenshot(page, "result-distribution");
    const before = await page.locator(".distribution").boundingBox();
    await page.setViewportSize(PHONE);
    await page.waitForFunction(
      (width) => (document.querySelector(".distribution")?.getBoundingClientRect().width ?? 0) < width / 1.5,
      before?.width ?? 0,
    );
    await fits(page);
    await screenshot(page, "result-distribution-phone");
  });

  it("is readable in the dark, and in the user's own colours", async () => {
    const page = await computed(bell(2_000), { colorScheme: "dark" }, { quantiles: "0.05 0.95", bins: "40" });
    await screenshot(page, "result-dark");
    await page.emulateMedia({ forcedColors: "active" });
    const fill = () =>
      page
        .locator(".bars rect")
        .first()
        .evaluate((bar) => getComputedStyle(bar).fill);
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.notEqual(await fill(), background);
    await screenshot(page, "result-forced-colors");
  });

  it("of one value, of values that are equal and of one far out is drawn, without a complaint", async () => {
    for (const list of [
      "7",
      "5 5 5 5",
      `${INT64_MAX} ${INT64_MAX}`,
      `${INT64_MAX} ${INT64_MAX - 5n}`,
      `1 2 3 ${10n ** 15n}`,
    ]) {
      const page = await computed(list);
      const bars = await page
        .locator(".bars rect")
        .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect()).filter(({ height }) => height > 0));
      assert.ok(bars.length >= 1 && bars.every(({ width, height }) => width >= 1 && height >= 2), list);
      assert.doesNotMatch(await page.locator("#histogram").innerHTML(), /NaN|Infinity|undefined/, list);
      assert.deepEqual(opened.complaints, [], list);
      await opened.context.close();
    }
  });
});

describe("where the time went", () => {
  it("is told in parts that add up, with the worker's name", async () => {
    const page = await computed(README_LIST);
    const parts = ["network", "gateway", "request-queue", "work", "reply-queue"];
    const told = await page
      .locator("#timing [data-part]")
      .evaluateAll((rows) => rows.map((row) => [row.getAttribute("data-part"), row.querySelector("data")?.value]));
    assert.deepEqual(
      told.map(([name]) => name),
      [...parts, "total"],
    );
    const times = new Map(told.map(([name, ms]) => [name, Number(ms)]));
    const sum = parts.reduce((sum, name) => sum + (times.get(name) ?? Number.NaN), 0);
    assert.ok(Math.abs(sum - (times.get("total") ?? 0)) < 0.001, `${sum} ms, not ${times.get("total")} ms`);
    assert.match(await shown(page, '[data-part="work"]'), /^Worker\s+local-1\s+computing: /);
    assert.equal(await shown(page, "#worker"), "local-1");
    assert.match(await shown(page, "#timing .told"), /^(Most of the time|The longest part) was spent /);
    const widths = await page
      .locator(".journey-bar .journey-part")
      .evaluateAll((parts) => parts.map((part) => part.getBoundingClientRect().width));
    assert.ok(widths.length === 5 && widths.every((width) => width >= 2), `${widths}`);
  });
});

describe("the operation", () => {
  it("has the summary of its log record, of a long list too", async () => {
    for (const list of [README_LIST, Array.from({ length: 1_500 }, (_, i) => i - 700).join(" ")]) {
      const page = await computed(list);
      const summary = await page.locator("#summary").textContent();
      if (list === README_LIST) {
        assert.equal(summary, README_SUMMARY);
      }
      if (stack.logs !== undefined) {
        const record = await logRecord(stack.logs, await shown(page, "#operation-id"));
        assert.equal(summary, record["summary"]);
      }
      await opened.context.close();
    }
  });

  it("gives its summary and its link to the clipboard", async () => {
    const page = await computed(README_LIST, MAY_COPY);
    await page.getByRole("button", { name: "Copy: Log summary" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(await clipboard(page), README_SUMMARY);
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.waitForFunction(async () => (await navigator.clipboard.readText()).includes("#/operations/"));
    assert.equal(await clipboard(page), new URL(`#/operations/${await shown(page, "#operation-id")}`, stack.page).href);
  });

  it("is downloaded as JSON and as text, under its id", async () => {
    const page = await computed(README_LIST);
    const id = await shown(page, "#operation-id");
    const json = await downloaded(page, "download-json");
    assert.equal(json.suggestedFilename(), `operation-${id}.json`);
    const result = JSON.parse(await contentOf(json));
    assert.equal(result.operationId, id);
    assert.equal(result.worker, "local-1");
    assert.deepEqual(result.values, ["4", "5", "2", "35", "2452"]);
    assert.equal(result.statistics.max, "2452");
    assert.equal(result.statistics.mean, 499.6);
    assert.equal(result.statistics.histogram.edges.length, result.statistics.histogram.counts.length + 1);
    assert.match(result.timing.total, /^[\d.]+s$/);
    assert.equal(result.summary, README_SUMMARY);
    const made = Date.parse(result.createTime);
    assert.ok(Math.abs(Date.now() - made) < 600_000, result.createTime);
    const text = await downloaded(page, "download-text");
    assert.equal(text.suggestedFilename(), `operation-${id}.txt`);
    assert.equal(await contentOf(text), README_SUMMARY);
    assert.deepEqual(opened.complaints, [], "the Content-Security-Policy allows it");
  });

  it("opened from the log later shows the same figures, and what the log knows of its time", async () => {
    const page = await computed(README_LIST, {}, { quantiles: "0.9", bins: "8" });
    const figures = () =>
      page.locator("#result .figures data").evaluateAll((all) => all.map((data) => (data as HTMLDataElement).value));
    const fresh = await figures();
    const id = await shown(page, "#operation-id");
    if (stack.logs !== undefined) {
      await logRecord(stack.logs, id);
    }
    await opened.context.close();
    opened = await open(browser, stack, {}, `#/operations/${id}`);
    const later = opened.page;
    await later.locator(`#result[data-operation="${id}"]`).waitFor();
    assert.deepEqual(
      await later
        .locator("#result .figures data")
        .evaluateAll((all) => all.map((data) => (data as HTMLDataElement).value)),
      fresh,
    );
    assert.equal(await later.locator(".bars rect").count(), 8);
    const parts = await later
      .locator("#timing [data-part]")
      .evaluateAll((rows) => rows.map((row) => row.getAttribute("data-part")));
    assert.ok(parts.includes("request-queue") && parts.includes("work") && !parts.includes("network"), `${parts}`);
    assert.equal(await shown(later, "#worker"), "local-1");
    await later.locator("#result time").first().waitFor();
    assert.deepEqual(opened.complaints, []);
    await screenshot(later, "result-from-log");
  });
});

async function downloaded(page: Page, button: string): Promise<Download> {
  const download = page.waitForEvent("download");
  await page.getByTestId(button).click();
  return download;
}

async function contentOf(download: Download): Promise<string> {
  return readFile(await download.path(), "utf8");
}
