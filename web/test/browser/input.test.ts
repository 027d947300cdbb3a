// The form: every way to give a list, what is said of it, and how it is sent.

import { fromBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { ComputeRequestSchema } from "../../gen/compute/v1/compute_pb";
import { accessible } from "./axe";
import { screenshot, startChromium } from "./chromium";
import { open, PHONE, type Opened } from "./open";
import { isGiven, startStack, type Stack } from "./stack";
import { until } from "./until";

const README_LIST = "4, 5, 2, 35, 2452";
const README_COUNT = "5 integers: 4, 5, 2, 35, 2452";

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

async function start(options: BrowserContextOptions = {}, address = "", at: Stack = stack): Promise<Page> {
  opened = await open(browser, at, options, address);
  return opened.page;
}

/** Waits until the line below the list says this. */
async function said(page: Page, text: string | RegExp): Promise<void> {
  await page.locator("#count", { hasText: text }).waitFor();
}

async function stat(page: Page, name: string): Promise<string | null> {
  return page.locator(`[data-stat="${name}"] data`).first().getAttribute("value");
}

async function computed(page: Page): Promise<void> {
  await page.click("#compute");
  await page.locator("#main[data-state=done]").waitFor();
}

/** Puts a text on the clipboard and presses the keys that paste it where the focus is. */
async function paste(page: Page, text: string): Promise<void> {
  await page.evaluate((text) => navigator.clipboard.writeText(text), text);
  await page.keyboard.press("Control+V");
}

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** Drags files or a text over an element, as another program would, and lets them go there unless told not to. */
async function drag(page: Page, selector: string, dragged: string[] | string, drop = true): Promise<void> {
  const box = await page.locator(selector).boundingBox();
  assert.ok(box !== null, selector);
  const session = await page.context().newCDPSession(page);
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const data =
    typeof dragged === "string"
      ? { items: [{ mimeType: "text/plain", data: dragged }], dragOperationsMask: 1 }
      : { items: [], files: dragged, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", ...(drop ? ["drop"] : [])] as ("dragEnter" | "dragOver" | "drop")[]) {
    await session.send("Input.dispatchDragEvent", { type, ...at, data });
  }
}

const selected = (page: Page) =>
  page.locator("#values").evaluate((field) => {
    const { value, selectionStart, selectionEnd } = field as HTMLTextAreaElement;
    return value.slice(selectionStart, selectionEnd);
  });
/** The id of what has the focus, or its element's name. */
const focused = (page: Page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.localName);

async function hasNoHorizontalScroll(page: Page): Promise<void> {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(beyond <= 0, `the content is ${beyond} px wider than the window`);
}

describe("a list that is typed or pasted", () => {
  it("is counted, and how it was read is shown, at each key", async () => {
    const page = await start();
    await said(page, "No integers yet");
    await page.locator("#values").focus();
    await page.keyboard.type("1,234");
    await said(page, "2 integers: 1, 234");
    await page.keyboard.type("5");
    await said(page, "2 integers: 1, 2345");
    await page.fill("#values", "1\u00a0234\u202f567");
    await said(page, "1 integer: 1234567");
    assert.equal(await page.locator("#count").getAttribute("data-count"), "1");
    // Not at each key, but when typing has come to rest, a screen reader is told.
    await page.locator("#status", { hasText: "1 integer: 1234567" }).waitFor();
    await page.fill("#values", "");
    await said(page, "No integers yet");
    assert.deepEqual(opened?.complaints, []);
  });

  it("is computed as it was read", async () => {
    const page = await start();
    await page.fill("#values", README_LIST);
    await said(page, README_COUNT);
    await computed(page);
    assert.equal(await stat(page, "mean"), "499.6");
    assert.equal(await stat(page, "max"), "2452");
  });

  it("is taken from a paste in the field, and from one anywhere on the page", async () => {
    const page = await start({ permissions: ["clipboard-read", "clipboard-write"] });
    await paste(page, README_LIST);
    await said(page, README_COUNT);
    assert.equal(await page.inputValue("#values"), README_LIST);
    await page.locator("#values").focus();
    await page.keyboard.press("Control+A");
    await paste(page, "1 2 3");
    await said(page, "3 integers: 1, 2, 3");
    assert.equal(await page.inputValue("#values"), "1 2 3");
  });

  it("stands beside the field when it is too long for it, and the field comes back as it was", async () => {
    const page = await start({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.fill("#values", "7");
    await page.locator("#values").focus();
    await page.keyboard.press("End");
    await paste(page, `, ${Array.from({ length: 50_000 }, (_, i) => i).join(", ")}`);
    await said(page, "50,001 integers: 7, 0, 1, 2, 3, 4, 5, 6, 7, 8, …, 49999");
    await page.locator("#attached", { hasText: "Long text" }).waitFor();
    assert.equal(await page.locator("#values").count(), 0);
    await accessible(page, "a long text");
    await page.getByRole("button", { name: "Remove Long text" }).click();
    await said(page, "1 integer: 7");
    assert.equal(await page.inputValue("#values"), "7");
    assert.equal(await focused(page), "values");
  });

  it("is taken from a text that is dropped on the form, behind what is there", async () => {
    const page = await start();
    await drag(page, "#count", "1 2");
    await said(page, "2 integers: 1, 2");
    await drag(page, "#count", "3");
    await said(page, "3 integers: 1, 2, 3");
    await drag(page, "#values", " 4");
    await said(page, /^4 integers: /);
    await drag(page, "#count", "5 ".repeat(100_001));
    await said(page, /^100,00\d integers: /);
    await page.locator("#attached", { hasText: "Long text" }).waitFor();
  });

  it("is still there after a look at the history", async () => {
    const page = await start();
    await page.fill("#values", README_LIST);
    await page.evaluate(() => (window.location.hash = "#/operations"));
    await page.locator("#main[data-view=history]").waitFor();
    await page.goBack();
    await said(page, README_COUNT);
    assert.equal(await page.inputValue("#values"), README_LIST);
  });
});

describe("a piece that is not an integer", () => {
  const LIST = "4, 5, 2\n2, abc, 35\n1.5, 2452, 1e3, x, y, z, 7";

  it("is underlined where it stands and shown in its line, and the others are listed", async () => {
    const page = await start();
    await page.fill("#values", LIST);
    await said(page, "“abc” on line 2, column 4 is not an integer");
    assert.equal(await page.locator("#values").getAttribute("aria-invalid"), "true");
    assert.equal(await page.locator(".mirror mark").first().textContent(), "abc");
    assert.match(await page.locator(".excerpt").innerText(), /Line 2\s+2, abc, 35/);
    const mark = page.locator(".excerpt mark");
    assert.equal(await mark.textContent(), "abc");
    assert.match(await mark.evaluate((mark) => getComputedStyle(mark).textDecorationLine), /underline/);
    const others = await page.locator(".problem-list").innerText();
    assert.match(others, /“1\.5” on line 3, column 1 is a decimal; only integers are accepted\./);
    assert.match(others, /“1e3” on line 3, column 12 has an exponent/);
    assert.match(others, /and 1 more/);
    await accessible(page, "bad pieces");
    await screenshot(page, "input-bad");
    await page.fill("#values", "4, 5");
    await said(page, "2 integers: 4, 5");
    assert.equal(await page.locator(".mirror mark").count(), 0);
    assert.equal(await page.locator("#values").getAttribute("aria-invalid"), "false");
  });

  it("is selected by one click", async () => {
    const page = await start();
    await page.fill("#values", LIST);
    await page.getByRole("button", { name: "Show line 3, column 1", exact: true }).click();
    assert.equal(await selected(page), "1.5");
    assert.equal(await focused(page), "values");
  });

  it("is brought into view in a long list, with the line under it in step", async () => {
    const page = await start();
    const long = Array.from({ length: 1_500 }, (_, i) => `${i}, ${"9".repeat(1 + (i % 18))}`).join(", ");
    await page.fill("#values", `${long}\n${long} bad`);
    await said(page, "“bad” on line 2");
    await page.getByRole("button", { name: /^Show line 2/ }).click();
    assert.equal(await selected(page), "bad");
    const { mark, field, heights } = await page.evaluate(() => {
      const field = document.querySelector("#values") as HTMLTextAreaElement;
      const { top, bottom } = document.querySelector(".mirror mark")?.getBoundingClientRect() ?? new DOMRect();
      const box = field.getBoundingClientRect();
      return {
        mark: [top, bottom],
        field: [box.top, box.bottom],
        heights: [document.querySelector(".mirror-content")?.scrollHeight, field.scrollHeight],
      };
    });
    // Both break their lines at the same places, or they would not be of the same height.
    assert.equal(heights[0], heights[1]);
    assert.ok((mark[0] ?? 0) >= (field[0] ?? 0) && (mark[1] ?? 0) <= (field[1] ?? 0), `${mark} is not within ${field}`);
  });

  it("keeps the form from being sent, and the keyboard goes to it", async () => {
    const page = await start();
    const calls: string[] = [];
    page.on("request", (request) => calls.push(request.method()));
    await page.fill("#values", LIST);
    await said(page, "“abc” on line 2");
    await page.click("#compute");
    assert.equal(await focused(page), "values");
    assert.equal(await selected(page), "abc");
    await page.fill("#values", " , ");
    await said(page, "Enter at least one integer");
    await page.click("#compute");
    assert.equal(await focused(page), "values");
    assert.deepEqual(
      calls.filter((method) => method === "POST"),
      [],
    );
  });
});

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

describe("quantiles and bins", () => {
  it("are asked for, with the quartiles and a histogram of 30 bins besides", async () => {
    const page = await start();
    await page.fill("#values", Array.from({ length: 101 }, (_, i) => i).join(" "));
    await page.click("#options summary");
    await page.fill("#quantiles", "0.9, 0.99");
    const [request] = await Promise.all([page.waitForRequest(/ComputeService\/Compute$/), computed(page)]);
    // Behind the five bytes that frame it.
    const asked = fromBinary(ComputeRequestSchema, request.postDataBuffer()?.subarray(5) ?? new Uint8Array());
    assert.deepEqual(asked.quantiles, [0.9, 0.99, 0.25, 0.75]);
    assert.equal(asked.histogram?.bins, 30);
    assert.equal(await page.locator('[data-quantile="0.9"] data').first().getAttribute("value"), "90");
    assert.equal(await page.locator('[data-quantile="0.99"] data').first().getAttribute("value"), "99");
  });

  it("that cannot be read are refused at their field before a call is made", async () => {
    const page = await start();
    await page.fill("#values", README_LIST);
    await said(page, README_COUNT);
    await page.click("#options summary");
    await page.fill("#quantiles", "0.5, 50%");
    await page.keyboard.press("Control+Enter");
    await page.locator("#quantiles-fault", { hasText: "“50%” is not a number" }).waitFor();
    assert.equal(await focused(page), "quantiles");
    assert.equal(await page.locator("#quantiles").getAttribute("aria-invalid"), "true");
    await accessible(page, "a quantile that is no number");
    await page.fill("#quantiles", "0.5");
    assert.equal(await page.locator("#quantiles-fault").count(), 0);
    await page.fill("#bins", "some");
    await page.keyboard.press("Tab");
    await page.locator("#bins-fault", { hasText: "“some” is not a number of bins" }).waitFor();
    assert.equal(await page.locator("#main").getAttribute("data-state"), "idle");
  });

  it("that the gateway refuses are marked at their field until they are changed", async () => {
    const page = await start();
    await page.fill("#values", README_LIST);
    await said(page, README_COUNT);
    await page.click("#options summary");
    await page.fill("#quantiles", "0.5, 2");
    await page.fill("#bins", "5000");
    await page.click("#compute");
    await page.locator("#main[data-state=failed]").waitFor();
    assert.equal(await page.locator("#quantiles").getAttribute("aria-invalid"), "true");
    await page.locator("#bins-fault", { hasText: "5000 bins" }).waitFor();
    await page.fill("#bins", "500");
    assert.equal(await page.locator("#bins").getAttribute("aria-invalid"), "false");
    assert.equal(await page.locator("#quantiles").getAttribute("aria-invalid"), "true");
  });
});

describe("everyone", () => {
  it("needs nothing but a keyboard", async () => {
    const page = await start();
    const order: unknown[] = [];
    await page.locator("#example").focus();
    for (let step = 0; step < 6; step += 1) {
      order.push(await focused(page));
      await page.keyboard.press("Tab");
    }
    assert.deepEqual(order, ["example", "random", "values", "file", "summary", "compute"]);
    await page.locator("#values").focus();
    await page.keyboard.type(README_LIST);
    await said(page, README_COUNT);
    await page.keyboard.press("Control+Enter");
    await page.locator("#main[data-state=done]").waitFor();
    assert.equal(await focused(page), "values");
  });

  it("sees it in French, with French numbers, and the rule of reading is the same", async () => {
    const page = await start({ locale: "fr-FR" });
    await page.fill("#values", "1,5");
    await said(page, /^2 entiers\s: 1, 5$/);
    await page.fill("#values", "4 5\n4.5, abc");
    await said(page, /^«\s4\.5\s», à la ligne 2, colonne 1, est un nombre décimal/);
    await page.click("#options summary");
    await page.click("#random");
    await accessible(page, "French");
    await screenshot(page, "input-french");
  });

  it("sees it on a phone without scrolling sideways", async () => {
    const page = await start({ viewport: PHONE, hasTouch: true, isMobile: true });
    await page.fill("#values", `${"1234567890123456789012345".repeat(4)}, x`);
    await page.locator("#problems").waitFor();
    await page.click("#random");
    await page.click("#options summary");
    await hasNoHorizontalScroll(page);
    await accessible(page, "phone");
    await screenshot(page, "input-phone");
    await page.setInputFiles("#file", await file(`${"a-long-name-".repeat(12)}.csv`, "a,b\n1,2\n3,4\n"));
    await said(page, "Which column is the list?");
    await page.setViewportSize({ width: 320, height: 640 });
    await hasNoHorizontalScroll(page);
  });

  it("sees the bad piece underlined in its line where colours are the system's", async () => {
    const page = await start({ forcedColors: "active" });
    await page.fill("#values", "4, 5, 2\n2, abc, 35");
    await page.locator(".excerpt mark").waitFor();
    assert.match(
      await page.locator(".excerpt mark").evaluate((mark) => getComputedStyle(mark).textDecorationLine),
      /underline/,
    );
    // The text behind the field would be seen twice there.
    assert.equal(await page.locator(".mirror").isVisible(), false);
    await screenshot(page, "input-forced-colors");
  });

  it("sees it in the dark", async () => {
    const page = await start({ colorScheme: "dark" });
    await page.fill("#values", "4, 5, 2\n2, abc, 35");
    await page.locator("#problems").waitFor();
    await page.click("#random");
    await accessible(page, "dark");
    await screenshot(page, "input-dark");
  });
});

describe("without a worker", { skip: isGiven && "a given stack has its worker" }, () => {
  let idle: Stack;
  before(async () => {
    idle = await startStack(0);
  });
  after(() => idle?.stop());

  it("the button turns into one that cancels and back, and keeps the focus", async () => {
    const page = await start({}, "", idle);
    await page.fill("#values", README_LIST);
    await said(page, README_COUNT);
    await page.click("#compute");
    await page.locator("#main[data-state=computing]").waitFor();
    assert.equal(await focused(page), "cancel");
    assert.equal(await page.locator("#compute").count(), 0);
    await page.locator("#elapsed", { hasText: /^0\.[2-9]\ss$/ }).waitFor();
    await accessible(page, "computing");
    await page.keyboard.press("Enter");
    await page.locator("#main[data-state=idle]").waitFor();
    assert.equal(await focused(page), "compute");
  });

  it("a double click computes, and does not cancel", async () => {
    const page = await start({}, "?timeout=1s", idle);
    await page.fill("#values", README_LIST);
    await said(page, README_COUNT);
    await page.dblclick("#compute");
    await page.locator("#main[data-state=failed]").waitFor();
  });

  it("Escape cancels from anywhere", async () => {
    const page = await start({}, "", idle);
    await page.fill("#values", README_LIST);
    await said(page, README_COUNT);
    await page.locator("#values").press("Control+Enter");
    await page.locator("#main[data-state=computing]").waitFor();
    await page.locator("#values").press("Escape");
    await page.locator("#main[data-state=idle]").waitFor();
    await page.locator("#compute").waitFor();
  });
});
