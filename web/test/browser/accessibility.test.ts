// For everybody: axe-core on what the page shows, the keyboard alone, narrow and enlarged, without motion.
// The other files have axe-core look at the states that they bring the page to.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { accessible } from "./axe";
import { screenshot, startChromium } from "./chromium";
import { DESKTOP, open, PHONE } from "./open";
import { isGiven, startStack, type Stack } from "./stack";

const LIST = "4, 5, 2, 35, 2452";

let stack: Stack;
let idle: Stack;
let browser: Browser;

before(async () => {
  stack = await startStack(1);
  idle = await startStack(0);
  browser = await startChromium();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
  await idle?.stop();
});

interface State {
  readonly name: string;
  /** The stack that the page is on, where not the one with a worker. */
  readonly on?: () => Stack;
  readonly address?: string;
  bring(page: Page): Promise<void>;
}

const STATES: readonly State[] = [
  { name: "idle", bring: async () => {} },
  {
    name: "bad input",
    async bring(page) {
      await page.locator("#values").fill("4, 5, zwei\n35, 1.5");
      await page.getByText("zwei").last().waitFor();
    },
  },
  {
    name: "columns",
    async bring(page) {
      const buffer = Buffer.from("id,price\n1,20\n2,30\n");
      await page.locator("#file").setInputFiles({ name: "prices.csv", mimeType: "text/csv", buffer });
      await page.getByRole("radio").first().waitFor();
    },
  },
  {
    name: "file",
    async bring(page) {
      const buffer = Buffer.from("4\n5\n2\n35\n2452\n");
      await page.locator("#file").setInputFiles({ name: "values.txt", mimeType: "text/plain", buffer });
      await page.getByText("values.txt").first().waitFor();
    },
  },
  { name: "done", bring: (page) => compute(page) },
  {
    name: "computing",
    on: () => idle,
    async bring(page) {
      await page.locator("#values").fill(LIST);
      await page.locator("#compute").click();
      await page.locator('#main[data-state="computing"] #cancel').waitFor();
    },
  },
  {
    name: "deadline",
    on: () => idle,
    address: "?timeout=200ms",
    async bring(page) {
      await page.locator("#values").fill(LIST);
      await page.locator("#compute").click();
      await page.locator("#error").waitFor();
    },
  },
  {
    name: "history",
    async bring(page) {
      await compute(page);
      await page.locator("header nav a").nth(1).click();
      await page.locator('#main[data-view="history"] a[href^="#/operations/"]').first().waitFor();
    },
  },
  {
    name: "operation",
    async bring(page) {
      await compute(page);
      const id = (await page.locator("#operation-id").textContent()) ?? "";
      await page.goto(new URL(`#/operations/${id.trim()}`, page.url()).href);
      await page.locator('#main[data-view="operation"] [data-stat="median"]').waitFor();
    },
  },
  {
    name: "unknown operation",
    address: "#/operations/00000000-0000-4000-8000-000000000000",
    async bring(page) {
      await page.locator("#main h2, #main [role=alert]").first().waitFor();
    },
  },
  { name: "unknown address", address: "#/nothing", bring: async () => {} },
];

const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  "French phone, dark": { colorScheme: "dark", locale: "fr-FR", viewport: PHONE, hasTouch: true, isMobile: true },
};

// A stack that was given has its workers.
const states = isGiven ? STATES.filter(({ on }) => on === undefined) : STATES;

for (const [look, options] of Object.entries(LOOKS)) {
  for (const { name, on = () => stack, address = "", bring } of states) {
    test(`no rule of axe-core is violated: ${name}, ${look}`, async () => {
      const { page, context } = await open(browser, on(), options, address);
      await bring(page);
      await accessible(page, `${name}, ${look}`);
      await screenshot(page, `shell-${name}-${look}`.replaceAll(/[ ,]+/g, "-").toLowerCase());
      await context.close();
    });
  }
}

test("the keyboard alone is enough: from a list to its result, to the history, to an operation and back", async () => {
  const { page, context, complaints } = await open(browser, stack);
  const keyboard = page.keyboard;

  await keyboard.press("Tab");
  assert.equal(await focused(page), "a.skip");
  await keyboard.press("Enter");
  assert.equal(await focused(page), "main#main");

  await tabTo(page, "#values");
  await keyboard.type(LIST);
  await tabTo(page, "#compute");
  await keyboard.press("Enter");
  await page.locator('[data-stat="median"]').waitFor();

  // From the result all the way to the top, and over the browser's own edge of the page.
  await tabTo(page, "header nav a:nth-child(2)");
  await keyboard.press("Enter");
  await page.locator('#main[data-view="history"]').waitFor();
  await page.waitForFunction(() => document.getElementById("main")?.contains(document.activeElement));
  await page.locator('#main a[href^="#/operations/"]').first().waitFor();

  await tabTo(page, 'main a[href^="#/operations/"]');
  await keyboard.press("Enter");
  await page.locator('#main[data-view="operation"] [data-stat="median"]').waitFor();
  assert.ok(await page.evaluate(() => document.getElementById("main")?.contains(document.activeElement)));

  await tabTo(page, "header nav a:nth-child(1)");
  await keyboard.press("Enter");
  await page.locator('#main[data-view="compute"]').waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("everything that takes the focus shows it", async () => {
  const { page, context } = await open(browser, stack);
  await compute(page);
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const seen = new Set<string>();
  for (;;) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    if (at === "body" || seen.has(at)) {
      break;
    }
    seen.add(at);
    const isShown = await page.evaluate(() => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement ?? document.body);
      return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    });
    assert.ok(isShown, at);
  }
  assert.ok(seen.size > 8, [...seen].join(", "));
  await context.close();
});

for (const [how, viewport] of [
  ["at 320 pixels, the width of a small phone and of 1280 enlarged four times", { width: 320, height: 640 }],
  ["enlarged twice", { width: DESKTOP.width / 2, height: DESKTOP.height / 2 }],
  ["on a wide screen", { width: 2560, height: 1300 }],
] as const) {
  test(`nothing has to be scrolled sideways ${how}`, async () => {
    for (const { name, on = () => stack, address = "", bring } of states) {
      const { page, context } = await open(browser, on(), { viewport, locale: "fr-FR" }, address);
      await bring(page);
      const overflow = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth - clientWidth;
      });
      assert.ok(overflow <= 0, `${name}: ${overflow} pixels too wide`);
      await context.close();
    }
  });
}

test("nothing moves by itself for those who asked for less motion", async () => {
  const { page, context } = await open(browser, stack, { reducedMotion: "reduce" });
  const moving = () =>
    page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === "running").length);
  assert.equal(await moving(), 0);
  await compute(page);
  assert.equal(await moving(), 0);
  await page.locator("header nav a").nth(1).click();
  await page.locator('#main[data-view="history"]').waitFor();
  assert.equal(await moving(), 0);
  await context.close();
});

async function compute(page: Page): Promise<void> {
  await page.locator("#values").fill(LIST);
  await page.locator("#compute").click();
  await page.locator('[data-stat="median"]').waitFor();
}

/** Presses Tab until the focus is on what the selector names; fails if it is not within reach. */
async function tabTo(page: Page, selector: string): Promise<void> {
  const visited: string[] = [];
  while (!(await page.evaluate((selector) => document.activeElement?.matches(selector) ?? false, selector))) {
    assert.ok(visited.length < 200, `${selector} is not reached: ${visited.join(", ")}`);
    await page.keyboard.press("Tab");
    visited.push(await focused(page));
  }
}

/** What has the focus, as a selector that tells it from others on the page. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement ?? document.body;
    const name = element.tagName.toLowerCase();
    if (element.id !== "") {
      return `${name}#${element.id}`;
    }
    if (name === "body" || element.className === "skip") {
      return name === "body" ? name : `${name}.skip`;
    }
    const same = [...document.querySelectorAll(name)];
    return `${name}:${same.indexOf(element)}`;
  });
}
