import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { accessible } from "./axe";
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

test("the page as it is opened violates no rule of axe-core", async () => {
  const { page } = await open(browser, stack);
  await accessible(page, "opened");
});
