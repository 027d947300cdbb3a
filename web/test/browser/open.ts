// Opens the page in a browser, and hears what it complains about.

import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import type { Stack } from "./stack";

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 360, height: 740 };

/** The page, opened. */
export interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console and the page; a violation of the Content-Security-Policy would show here. */
  readonly complaints: string[];
}

/** Opens the page of this stack in a context of its own, in English unless told otherwise, and waits until it is there. */
export async function open(
  browser: Browser,
  stack: Stack,
  options: BrowserContextOptions = {},
  address = "",
): Promise<Opened> {
  const context = await browser.newContext({ viewport: DESKTOP, locale: "en-US", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(new URL(address, stack.page).href);
  await page.locator("#main").waitFor();
  return { page, context, complaints };
}
