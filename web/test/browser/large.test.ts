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

/** The longest task of the page's own thread, in milliseconds. */
interface Longest {
  /** By the clock, from the browser's observer of tasks over 50 ms; 0 if there was none. */
  readonly observed: number;
  /** What the thread was at work: less, if other processes of the machine had the processor meanwhile. */
  readonly atWork: number;
}

// Measures the tasks during an action.
async function longestTask(page: Page, action: () => Promise<void>): Promise<Longest> {
  await browser.startTracing(page, { categories: ["toplevel"] });
  await page.evaluate(() => {
    const durations: number[] = [];
    const note = (list: PerformanceObserverEntryList) => {
      durations.push(...list.getEntries().map(({ duration }) => duration));
    };
    new PerformanceObserver(note).observe({ type: "longtask" });
    Object.assign(window, { durations });
  });
  await action();
  const durations = await page.evaluate(async () => {
    // What was observed is told in a task of its own.
    await new Promise((resolve) => requestIdleCallback(resolve));
    return (window as unknown as { durations: number[] }).durations;
  });
  return { observed: Math.max(0, ...durations), atWork: longestAtWork(await browser.stopTracing()) };
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Processor time in microseconds. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

function longestAtWork(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const mains = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const threads = new Set(mains.map(({ pid, tid }) => `${pid}/${tid}`));
  const tasks = traceEvents.filter(({ name, pid, tid }) => name.endsWith("RunTask") && threads.has(`${pid}/${tid}`));
  assert.ok(tasks.length > 0, "the trace has tasks");
  return tasks.reduce((longest, { tdur = 0 }) => Math.max(longest, tdur), 0) / 1_000;
}

// The raw value of a number that is shown.
function shown(page: Page, name: string): Promise<string | null> {
  const data = page.locator(`data[data-stat="${name}"], [data-stat="${name}"] data`);
  return data.first().getAttribute("value");
}

test("a million integers from a file are computed over exactly, and the page answers all the while", async () => {
  const values = new BigInt64Array(COUNT);
  for (let at = 0; at < COUNT; at += 8_192) {
    crypto.getRandomValues(values.subarray(at, at + 8_192));
  }
  const path = join(folder, "million.txt");
  await writeFile(path, values.join("\n"));

  const { page, context, complaints } = await open(browser, stack, {}, `?timeout=${LIMIT_MS}ms`);
  page.setDefaultTimeout(LIMIT_MS);
  const { observed, atWork } = await longestTask(page, async () => {
    await page.setInputFiles("#file", path);
    await page.locator("#count").filter({ hasText: "1,000,000" }).waitFor();
    await page.click("#compute");
    await page.locator("#main[data-state=done] [data-stat=median]").first().waitFor();
  });

  for (const [name, value] of Object.entries(exactStatistics(values))) {
    assert.equal(await shown(page, name), value, name);
  }
  // Where both are too long, it is not for want of a processor.
  const longest = Math.min(observed, atWork);
  assert.ok(longest <= LONGEST_TASK_MS, `a task took ${observed} ms, and was at work for up to ${atWork} ms`);
  assert.deepEqual(complaints, []);
  console.log(`longest task: ${observed} ms observed, ${atWork.toFixed(1)} ms at work`);
  await context.close();
});

test("a task that is too long is seen", async () => {
  const { page, context } = await open(browser, stack);
  const { observed, atWork } = await longestTask(page, () =>
    page.evaluate(
      (ms) =>
        new Promise<void>((resolve) => {
          setTimeout(() => {
            const end = performance.now() + ms;
            while (performance.now() < end);
            resolve();
          });
        }),
      20 * LONGEST_TASK_MS,
    ),
  );
  assert.ok(observed > LONGEST_TASK_MS && atWork > LONGEST_TASK_MS, `${observed} ms, ${atWork} ms`);
  await context.close();
});
