// English and French: by the browser's language, with a switch.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { startChromium } from "./chromium";
import { open } from "./open";
import { startStack, type Stack } from "./stack";

let stack: Stack;
let browser: Browser;

before(async () => {
  stack = await startStack(1);
  browser = await startChromium();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

for (const [locale, language, history] of [
  ["en-US", "en", "History"],
  ["en-GB", "en", "History"],
  ["fr-FR", "fr", "Historique"],
  ["fr-CA", "fr", "Historique"],
  ["de-DE", "en", "History"],
] as const) {
  test(`a browser that speaks ${locale} finds the page in ${language}`, async () => {
    const { page, context } = await open(browser, stack, { locale });
    assert.equal(await page.locator("html").getAttribute("lang"), language);
    await page.getByRole("link", { name: history, exact: true }).waitFor();
    await context.close();
  });
}

test("the switch changes the language at once, keeps what was typed, and is remembered", async () => {
  const { page, context, complaints } = await open(browser, stack);
  await page.locator("#values").fill("4, 5, 2, 35, 2452");
  await page.getByRole("button", { name: "Français" }).click();
  await page.getByRole("link", { name: "Historique", exact: true }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "fr");
  assert.equal(await page.getByRole("button", { name: "Français" }).getAttribute("aria-pressed"), "true");
  assert.equal(await page.locator("#values").inputValue(), "4, 5, 2, 35, 2452");

  await page.reload();
  await page.getByRole("link", { name: "Historique", exact: true }).waitFor();
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("link", { name: "History", exact: true }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("the title says view and state in the page's language", async () => {
  const { page, context } = await open(browser, stack, { locale: "fr-FR" });
  assert.equal(await page.title(), "Compute");
  await compute(page, "1, 2, 3");
  assert.equal(await page.title(), "Résultat – Compute");
  await page.getByRole("link", { name: "Historique", exact: true }).click();
  await page.locator('#main[data-view="history"]').waitFor();
  assert.equal(await page.title(), "Historique – Compute");
  await page.getByRole("button", { name: "English" }).click();
  await page.waitForFunction(() => document.title === "History – Compute");
  await context.close();
});

for (const [locale, max, mean] of [
  ["en-US", "2,452", "499.6"],
  ["fr-FR", "2\u202f452", "499,6"],
  // The language is English, and numbers go with the texts around them.
  ["de-DE", "2,452", "499.6"],
] as const) {
  test(`numbers have the form of ${locale}, and what programs read has not`, async () => {
    const { page, context } = await open(browser, stack, { locale });
    // The list is read by the same rule in every language.
    await compute(page, "4, 5, 2, 35, 2452");
    for (const [stat, shown, raw] of [
      ["max", max, "2452"],
      ["mean", mean, "499.6"],
    ] as const) {
      const figure = page.locator(`[data-stat="${stat}"]`);
      assert.ok((await figure.textContent())?.includes(shown), `${stat}: ${await figure.textContent()}`);
      const value = figure.locator("xpath=descendant-or-self::data").first();
      assert.equal(await value.getAttribute("value"), raw);
    }
    await context.close();
  });
}

async function compute(page: Page, list: string): Promise<void> {
  await page.locator("#values").fill(list);
  await page.locator("#compute").click();
  await page.locator('#main[data-state="done"]').waitFor();
  await page.locator('[data-stat="median"]').waitFor();
}
