// Starts the Chromium of the system, with a profile of its own.

import { mkdir } from "node:fs/promises";
import { chromium, type Browser, type Page } from "playwright-core";

/** Starts Chromium: `CHROMIUM`, or the one of Debian's package. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Saves what the page looks like, whole, for people to look at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir("test/screenshots", { recursive: true });
  await page.screenshot({ path: `test/screenshots/${name}.png`, fullPage: true });
}
