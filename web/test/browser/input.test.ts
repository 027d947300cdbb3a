// The form: lists that are typed or pasted, what is said of them, and how they are sent.

import { fromBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { ComputeRequestSchema } from "../../gen/compute/v1/compute_pb";
import { accessible } from "./axe";
import { screenshot, startChromium } from "./chromium";
import {
  README_LIST,
  README_COUNT,
  said,
  stat,
  computed,
  paste,
  drag,
  selected,
  focused,
  hasNoHorizontalScroll,
} from "./input-steps";
import { open, PHONE, type Opened } from "./open";
import { isGiven, startStack, type Stack } from "./stack";

let browser: Browser;
let stack: Stack;
let opened: Opened | undefined;

before(async () => {
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
});

async function start(options: BrowserContextOptions = {}, address = "", at: Stack = stack): Promise<Page> {
  opened = await open(browser, at, options, address);
  return opened.page;
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
    const table = Buffer.from("a,b\n1,2\n3,4\n");
    await page.setInputFiles("#file", {
      name: `${"a-long-name-".repeat(12)}.csv`,
      mimeType: "text/csv",
      buffer: table,
    });
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
