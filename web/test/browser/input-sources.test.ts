// Lists that are not typed: files, and lists that are made.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { accessible } from "./axe";
import { screenshot, startChromium } from "./chromium";
import { README_LIST, README_COUNT, said, stat, computed, drag, focused } from "./input-steps";
import { open, type Opened } from "./open";
import { startStack, type Stack } from "./stack";
import { until } from "./until";

let browser: Browser;
let stack: Stack;
let folder: string;
let opened: Opened | undefined;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "compute-input-"));
  stack = await startStack(1);
  browser = await startChromium();
});
afterEach(async () => {
  await opened?.context.close();
  opened = undefined;
});
after(async () => {
  await browser?.close();
  await stack?.stop();
  await rm(folder, { recursive: true });
});

async function start(): Promise<Page> {
  opened = await open(browser, stack);
  return opened.page;
}

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe("a file", () => {
  it("is read when it is chosen, and can be removed", async () => {
    const page = await start();
    await page.fill("#values", "1 2");
    const values = Array.from({ length: 20_000 }, (_, i) => i - 700);
    await page.setInputFiles("#file", await file("measurements.txt", values.join("\n")));
    await said(page, "20,000 integers: -700, -699, -698, -697, -696, -695, -694, -693, -692, -691, …, 19299");
    assert.match(await page.locator("#attached").innerText(), /measurements\.txt\s+\d+(\.\d)? kB/);
    await accessible(page, "a file");
    await screenshot(page, "input-file");
    await computed(page);
    assert.equal(await stat(page, "count"), "20000");
    assert.equal(await stat(page, "median"), "9299.5");
    await page.click("#remove");
    await said(page, "2 integers: 1, 2");
  });

  it("is chosen by keyboard", async () => {
    const page = await start();
    const chooser = page.waitForEvent("filechooser");
    await page.locator("#file").focus();
    await page.keyboard.press("Enter");
    await (await chooser).setFiles(await file("keys.txt", "1\n2\n3"));
    await said(page, "3 integers: 1, 2, 3");
  });

  it("is taken wherever it is dropped, and the form says so while it is held above", async () => {
    const page = await start();
    const path = await file("dropped.txt", README_LIST);
    await drag(page, "#values", [path], false);
    await page.getByText("Drop the file here").waitFor();
    await drag(page, "#values", [path]);
    await said(page, README_COUNT);
    await page.locator("#attached", { hasText: "dropped.txt" }).waitFor();
    assert.equal(await page.getByText("Drop the file here").count(), 0);
    await drag(page, ".answer", [await file("beside.txt", "8")]);
    await said(page, "1 integer: 8");
    assert.match(page.url(), /^http/);
  });

  it("comes alone: of several that are dropped together none is read", async () => {
    const page = await start();
    await drag(page, "#form", [await file("one.txt", "1"), await file("two.txt", "2")]);
    await page.getByRole("alert").filter({ hasText: "One file at a time" }).waitFor();
    await said(page, "No integers yet");
  });

  it("of JSON is read with every digit", async () => {
    const page = await start();
    await page.setInputFiles("#file", await file("numbers.json", '[9007199254740993, -5, "9223372036854775807"]'));
    await said(page, "3 integers: 9007199254740993, -5, 9223372036854775807");
  });

  it("with several columns asks which one, those of integers first, and takes another answer", async () => {
    const page = await start();
    const csv = "when;temperature;runs;note\n2026-11-01;4.5;12;first\n2026-11-02;5.5;-7;\n2026-11-03;6;9000;last\n";
    const more = csv.replace("note", "errors").replace("first", "3").replace(";\n", ";0\n").replace("last", "1");
    await page.setInputFiles("#file", await file("journal.csv", more));
    await said(page, "Which column is the list?");
    const titles = await page.locator(".column-title").allInnerTexts();
    assert.deepEqual(titles, ["runs", "errors", "when", "temperature"]);
    await accessible(page, "columns");
    await screenshot(page, "input-columns");
    await page.click("#compute");
    await said(page, "Choose a column first.");
    assert.equal(await page.evaluate(() => (document.activeElement as HTMLInputElement).name), "column");
    await page.getByRole("radio", { name: /^runs/ }).check();
    await said(page, "3 integers: 12, -7, 9000");
    await page.getByRole("radio", { name: /^temperature/ }).check();
    await said(page, /“4\.5” on line 2/);
    await page.locator(".excerpt").waitFor();
    await page.getByRole("radio", { name: /^errors/ }).check();
    await said(page, "3 integers: 3, 0, 1");
    await computed(page);
    assert.equal(await stat(page, "sum"), "4");
  });

  it("that cannot be read is refused with a sentence and a way on", async () => {
    const page = await start();
    await page.setInputFiles("#file", await file("image.txt", new Uint8Array([0x31, 0x20, 0xff, 0xfe, 0x80])));
    await said(page, "not text in UTF-8 or UTF-16");
    await page.setInputFiles("#file", await file("broken.json", "[1, 2"));
    await said(page, "not JSON with a list of integers");
    await accessible(page, "an unreadable file");
    const path = await file("gone.txt", "1 2 3");
    await page.setInputFiles("#file", await file("broken.json", '{"a": 1}'));
    await said(page, "not JSON with a list of integers");
    await page.setInputFiles("#file", path);
    await said(page, "3 integers: 1, 2, 3");
  });

  it("shows how far it is read, and reading can be given up", async () => {
    const page = await start();
    await page.fill("#values", "1 2");
    const path = await file("large.txt", "1234567 ".repeat(6_000_000));
    await page.setInputFiles("#file", path);
    await page.waitForFunction(() => {
      const progress = document.querySelector<HTMLProgressElement>("#progress");
      return progress !== null && progress.value > 0 && progress.value < 1;
    });
    await page.click("#compute");
    await page.locator("#cancel").waitFor();
    await page.getByRole("button", { name: "Stop reading" }).click();
    await said(page, "2 integers: 1, 2");
    assert.equal(await page.locator("#progress").count(), 0);
    // What was to be computed was the file, and not what is in the field.
    await page.locator("#compute").waitFor();
    assert.equal(await page.locator("#main").getAttribute("data-state"), "idle");
  });

  it("may be computed before it is read: that starts when it is", async () => {
    const page = await start();
    await page.setInputFiles("#file", await file("waits.txt", `7${" ".repeat(199)}`.repeat(300_000)));
    await page.locator("#progress").waitFor();
    await page.click("#compute");
    await page.getByText("Computing starts when the list is read").waitFor();
    assert.equal(await focused(page), "cancel");
    await page.locator("#main[data-state=done]").waitFor({ timeout: 60_000 });
    assert.equal(await stat(page, "count"), "300000");
  });

  it("is read again when the reading thread has died", async () => {
    const page = await start();
    await page.route(/thread[^/]*\.js/, (route) => route.abort());
    await page.reload();
    await page.setInputFiles("#file", await file("again.txt", "1 2 3"));
    await said(page, "The list was not read");
    await accessible(page, "a reading thread that died");
    await page.unroute(/thread[^/]*\.js/);
    await page.getByRole("button", { name: "Read it again" }).click();
    await said(page, "3 integers: 1, 2, 3");
  });
});

it("a list that the reading thread took with it is read again for the next try", async () => {
  const page = await start();
  await page.fill("#values", README_LIST);
  await said(page, README_COUNT);
  const [thread] = page.workers();
  assert.ok(thread !== undefined, "there is a reading thread");
  await thread.evaluate(
    () =>
      void setTimeout(() => {
        throw new Error("the test has it fail");
      }),
  );
  await until("the thread has ended", 10_000, async () => (page.workers().length === 0 ? true : undefined));
  await page.click("#compute");
  await page.locator("#main[data-state=failed]").waitFor();
  await computed(page);
  assert.equal(await stat(page, "mean"), "499.6");
});

describe("a list that is made", () => {
  it("the example is one click away, and undo brings back what it replaced", async () => {
    const page = await start();
    await page.locator("#values").focus();
    await page.keyboard.type("1 2 3");
    await page.click("#example");
    await said(page, README_COUNT);
    assert.equal(await focused(page), "values");
    await page.keyboard.press("Control+Z");
    await said(page, "3 integers: 1, 2, 3");
  });

  it("a few random integers are written into the field", async () => {
    const page = await start();
    await page.click("#random");
    await page.getByRole("button", { name: "100", exact: true }).click();
    await page.fill("#random-from", "-5");
    await page.fill("#random-to", "5");
    await accessible(page, "the random list");
    await screenshot(page, "input-random");
    await page.click("#random-make");
    await said(page, /^100 integers: /);
    const values = (await page.inputValue("#values")).split(", ").map(Number);
    assert.equal(values.length, 100);
    assert.ok(values.every((value) => Number.isInteger(value) && value >= -5 && value <= 5));
    assert.equal(await page.locator("#random-panel").count(), 0);
    assert.equal(await focused(page), "random");
  });

  it("many random integers stand beside the field, and are computed", async () => {
    const page = await start();
    await page.click("#random");
    await page.getByRole("button", { name: "1,000,000", exact: true }).click();
    await page.click("#random-make");
    await said(page, /^1,000,000 integers: /);
    assert.match(await page.locator("#attached").innerText(), /Random integers\s+drawn evenly from 1 to 1,000/);
    await computed(page);
    assert.equal(await stat(page, "count"), "1000000");
  });

  it("numbers that are none are refused beside their fields", async () => {
    const page = await start();
    await page.click("#random");
    await page.fill("#random-count", "many");
    await page.fill("#random-from", "9");
    await page.fill("#random-to", "3");
    await page.keyboard.press("Enter");
    await page.locator("#random-count-fault", { hasText: "Write a whole number from 1 up" }).waitFor();
    await page.locator("#random-from-fault", { hasText: "“From” is larger than “To”." }).waitFor();
    await page.fill("#random-to", "99999999999999999999");
    await page.locator("#random-to-fault", { hasText: "beyond 64 bits" }).waitFor();
    assert.equal(await page.locator("#main").getAttribute("data-state"), "idle");
  });

  it("of more integers than a call may have, ComputeStream is named as the way", async () => {
    const page = await start();
    await page.click("#random");
    await page.fill("#random-count", "10 000 001");
    await page.click("#random-make");
    await said(page, "more than 10,000,000 integers");
    assert.match(
      await page.locator("#stream-hint").innerText(),
      /ComputeService\/ComputeStream takes up to 100,000,000/,
    );
    await accessible(page, "too many");
    await screenshot(page, "input-too-many");
  });
});
