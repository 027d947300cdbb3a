// Has axe-core look at the page as it is now.

import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";

interface AxeWindow {
  axe: typeof axe;
}

/**
 * Fails, naming rule, element and what is wrong with it, if the page as it is now violates any rule of axe-core, its best
 * practices included. Colours are looked at in the scheme that the page is in.
 */
export async function accessible(page: Page, state: string): Promise<void> {
  // Through the browser's debugger, which the page's Content-Security-Policy does not bind.
  if (!(await page.evaluate(() => "axe" in window))) {
    await page.evaluate(axe.source);
  }
  await settled(page);
  const { violations } = await page.evaluate<AxeResults>(() =>
    (window as unknown as AxeWindow).axe.run(document, { resultTypes: ["violations"] }),
  );
  if (violations.length > 0) {
    const found = violations.flatMap(({ id, help, nodes }) =>
      nodes.map(
        ({ target, failureSummary = "" }) => `${id}: ${help}\n  ${target.join(" ")}\n  ${indented(failureSummary)}`,
      ),
    );
    throw new Error(`${state}: ${found.length} violations of axe-core's rules\n${found.join("\n")}`);
  }
}

/** Waits until what moves has come to rest: a colour on its way is neither of the two. Motion without end is left out. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ending = document
      .getAnimations()
      .filter((animation) => Number.isFinite(Number(animation.effect?.getComputedTiming().endTime ?? 0)));
    await Promise.allSettled(ending.map((animation) => animation.finished));
  });
}

function indented(text: string): string {
  return text.replaceAll("\n", "\n  ");
}
