// A million integers out of a file, through the whole page.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { startChromium } from "./chromium";
import { exactStatistics } from "./exact";
import { open } from "./open";
import { startStack, type Stack } from "./stack";

const COUNT = 1_000_000;

// The longest that the page may not answer to a key or a click.
const LONGEST_TASK_MS = 100;

// Other processes of the machine make tasks longer now and then; a task of the page's own that is too long is so each time.
const ATTEMPTS = 3;

// Far above what a busy machine takes.
const LIMIT_MS = 120_000;

let stack: Stack;
let browser: Browser;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "compute-large-"));
  stack = await startStack(1);
  browser = await startChromium();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Watched {
  longTasks: { readonly start: number; readonly duration: number }[];
}

// Has the browser note each task of the page's own thread that takes over 50 ms, from now on.
function watchTasks(page: Page): Promise<void> {
  return page.evaluate(() => {
    const watched = window as unknown as Watched;
    watched.longTasks = [];
    const note = (list: PerformanceObserverEntryList) => {
      for (const { startTime, duration } of list.getEntries()) {
        watched.longTasks.push({ start: startTime, duration });
      }
    };
    new PerformanceObserver(note).observe({ type: "longtask", buffered: true });
  });
}

function longestTask(page: Page, since: number): Promise<number> {
  return page.evaluate((since) => {
    const tasks = (window as unknown as Watched).longTasks.filter(({ start }) => start >= since);
    return Math.max(0, ...tasks.map(({ duration }) => duration));
  }, since);
}

// The raw value of a number that is shown.
function shown(page: Page, name: string): Promise<string | null> {
  const data = page.locator(`data[data-stat="${name}"], [data-stat="${name}"] data`);
  return data.first().getAttribute("value");
}

// Has the page compute over the file; gives the longest task from the choice of the file to the result.
async function compute(page: Page, path: string): Promise<number> {
  const chosen = await page.evaluate(() => performance.now());
  await page.setInputFiles("#file", path);
  await page.locator("#count").filter({ hasText: "1,000,000" }).waitFor();
  await page.click("#compute");
  await page.locator("#main[data-state=done] [data-stat=median]").first().waitFor();
  return longestTask(page, chosen);
}

test("a million integers from a file are computed over exactly, and the page answers all the while", async () => {
  const values = new BigInt64Array(COUNT);
  for (let at = 0; at < COUNT; at += 8_192) {
    crypto.getRandomValues(values.subarray(at, at + 8_192));
  }
  const path = join(folder, "million.txt");
  await writeFile(path, values.join("\n"));

  const longest: number[] = [];
  for (let attempt = 0; attempt < ATTEMPTS && !longest.some((ms) => ms <= LONGEST_TASK_MS); attempt += 1) {
    const { page, context, complaints } = await open(browser, stack, {}, `?timeout=${LIMIT_MS}ms`);
    page.setDefaultTimeout(LIMIT_MS);
    await watchTasks(page);
    longest.push(await compute(page, path));
    for (const [name, value] of Object.entries(exactStatistics(values))) {
      assert.equal(await shown(page, name), value, name);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  }
  assert.ok(Math.min(...longest) <= LONGEST_TASK_MS, `the longest tasks took ${longest.join(", ")} ms`);
});

test("the browser tells of a task that is too long", async () => {
  const { page, context } = await open(browser, stack);
  await watchTasks(page);
  await page.evaluate((ms) => {
    setTimeout(() => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    });
  }, LONGEST_TASK_MS + 20);
  await page.waitForFunction(
    (ms) => (window as unknown as Watched).longTasks.some(({ duration }) => duration > ms),
    LONGEST_TASK_MS,
  );
  await context.close();
});
