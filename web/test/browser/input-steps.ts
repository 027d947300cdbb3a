// What people do with the form, and what they see of it.

import assert from "node:assert/strict";
import type { Page } from "playwright-core";

/** The list of the README. */
export const README_LIST = "4, 5, 2, 35, 2452";
/** How it is read. */
export const README_COUNT = "5 integers: 4, 5, 2, 35, 2452";

/** Waits until the line below the list says this. */
export async function said(page: Page, text: string | RegExp): Promise<void> {
  await page.locator("#count", { hasText: text }).waitFor();
}

/** A statistic of the result, as programs read it. */
export async function stat(page: Page, name: string): Promise<string | null> {
  return page.locator(`[data-stat="${name}"] data`).first().getAttribute("value");
}

/** Computes, and waits for the result. */
export async function computed(page: Page): Promise<void> {
  await page.click("#compute");
  await page.locator("#main[data-state=done]").waitFor();
}

/** Puts a text on the clipboard and presses the keys that paste it where the focus is. */
export async function paste(page: Page, text: string): Promise<void> {
  await page.evaluate((text) => navigator.clipboard.writeText(text), text);
  await page.keyboard.press("Control+V");
}
/** Drags files or a text over an element, as another program would, and lets them go there unless told not to. */
export async function drag(page: Page, selector: string, dragged: string[] | string, drop = true): Promise<void> {
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

/** What is selected in the text field. */
export const selected = (page: Page) =>
  page.locator("#values").evaluate((field) => {
    const { value, selectionStart, selectionEnd } = field as HTMLTextAreaElement;
    return value.slice(selectionStart, selectionEnd);
  });

/** The id of what has the focus, or its element's name. */
export const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.id || document.activeElement?.localName);

/** Fails if the page is wider than its window. */
export async function hasNoHorizontalScroll(page: Page): Promise<void> {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(beyond <= 0, `the content is ${beyond} px wider than the window`);
}
