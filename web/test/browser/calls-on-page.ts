// Makes calls on the page, and looks at what becomes of them.

import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { accessible } from "./axe";
import { screenshot, startChromium } from "./chromium";
import { open, PHONE, type Opened } from "./open";
import type { Stack } from "./stack";

export const LIST = "4, 5, 2, 35, 2452";
export const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let browser: Browser;
let opened: Opened[] = [];

/** Opens one browser for all tests of a file, and closes after each test the pages that it has opened. */
export function withBrowser(): void {
  before(async () => {
    browser = await startChromium();
  });
  after(() => browser?.close());
  afterEach(async () => {
    const pages = opened;
    opened = [];
    await Promise.all(pages.map(({ context }) => context.close()));
    const violations = pages.flatMap(({ complaints }) =>
      complaints.filter((said) => said.includes("Content Security")),
    );
    assert.deepEqual(violations, []);
  });
}

export async function openAt(address: string, options: BrowserContextOptions = {}, query = ""): Promise<Page> {
  const one = await open(browser, { page: address } as Stack, options, query);
  opened.push(one);
  return one.page;
}

export async function compute(page: Page, list = LIST): Promise<void> {
  await page.fill("#values", list);
  await page.click("#compute");
}

// Types the list, and waits until it is read: the thread that does it comes from the gateway, too.
export async function type(page: Page): Promise<void> {
  await page.fill("#values", LIST);
  await page.getByText("5 integers: 4, 5, 2, 35, 2452").waitFor();
}

export const state = (page: Page, name: string) => page.locator(`#main[data-state=${name}]`).waitFor();
export const text = (page: Page, selector: string) => page.locator(selector).innerText();
export const median = (page: Page) => page.locator('[data-stat="median"]').first().innerText();

export async function failed(page: Page, title: string | RegExp): Promise<void> {
  await state(page, "failed");
  const shown = await text(page, "#error h2");
  assert.ok(typeof title === "string" ? shown === title : title.test(shown), `the title is “${shown}”`);
}

export async function detail(page: Page, name: string): Promise<string> {
  const details = page.locator("#error details");
  if (!(await details.evaluate((element) => (element as HTMLDetailsElement).open))) {
    await details.locator("summary").click();
  }
  return page.getByTestId(name).innerText();
}

export async function hasNoHorizontalScroll(page: Page): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `the content is ${over} px wider than the window`);
}

// The same state as it looks in the dark, on a phone, and in French.
export async function screenshots(page: Page, name: string): Promise<void> {
  await screenshot(page, name);
  await page.emulateMedia({ colorScheme: "dark" });
  await screenshot(page, `${name}-dark`);
  await page.emulateMedia({ colorScheme: "light" });
  const size = page.viewportSize();
  await page.setViewportSize(PHONE);
  await hasNoHorizontalScroll(page);
  await screenshot(page, `${name}-phone`);
  if (size !== null) {
    await page.setViewportSize(size);
  }
}

export async function accessibleInBothSchemes(page: Page, name: string): Promise<void> {
  await accessible(page, name);
  await page.emulateMedia({ colorScheme: "dark" });
  await accessible(page, `${name}, dark`);
  await page.emulateMedia({ colorScheme: "light" });
}
