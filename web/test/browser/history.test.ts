import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { accessible } from "./axe";
import { clientOf, computeMany, idOfAge, listOf } from "./calls";
import { screenshot, startChromium } from "./chromium";
import { open, PHONE, type Opened } from "./open";
import { startStack, type Stack } from "./stack";
import { until } from "./until";
import { startWorker } from "./worker";

const HISTORY = "#/operations";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let browser: Browser;
let opened: Opened;
before(async () => {
  browser = await startChromium();
});
after(() => browser?.close());
afterEach(async () => {
  await opened?.context.close();
});

async function show(stack: Stack, address = HISTORY, options: BrowserContextOptions = {}): Promise<Page> {
  opened = await open(browser, stack, options, address);
  return opened.page;
}

const rows = (page: Page): Locator => page.locator("#history tbody tr[data-operation]:not([data-pending])");
const row = (page: Page, id: string): Locator => page.locator(`#history tr[data-operation="${id}"]`);
const ids = (page: Page): Promise<(string | null)[]> =>
  rows(page).evaluateAll((all) => all.map((one) => one.getAttribute("data-operation")));

/** Waits until the history shows so many operations of the log. */
async function listed(page: Page, count: number): Promise<void> {
  await until(`${count} operations are listed`, 20_000, async () =>
    (await rows(page).count()) === count ? true : undefined,
  );
}

/** Has the tab remember operations of its own, as if they had been started before the page was loaded again. */
async function startedHere(page: Page, own: readonly { id: string; state: string; count: number }[]): Promise<void> {
  const all = own.map(({ id, state, count }) => ({ key: id, operationId: id, startedAt: Date.now(), state, count }));
  await page.evaluate((text) => sessionStorage.setItem("compute.own", text), JSON.stringify(all));
  await page.reload();
}

async function fitsWidth(page: Page): Promise<void> {
  const [content = 0, visible = 0] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(content <= visible, `content is ${content} px wide, the window ${visible} px`);
}

/** Saves what is in the window: rows that are out of it are not drawn. */
async function windowShot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `test/screenshots/${name}.png` });
}

describe("the history of many operations", () => {
  const COUNT = 270;
  // The newest are those whose numbers need the most room.
  const WIDE = [
    [1n, 1n, 2n],
    [-1_234_567n, 9_999_999_999n, 7n],
    [-(2n ** 63n), 2n ** 63n - 1n],
  ];
  let stack: Stack;
  let newestFirst: string[];
  before(async () => {
    stack = await startStack(2);
    const ids = await computeMany(stack, COUNT - WIDE.length);
    for (const values of WIDE) {
      ids.push((await clientOf(stack).compute({ values })).operationId);
    }
    newestFirst = ids.sort().reverse();
  });
  after(() => stack?.stop());

  it("shows what the log has, newest first, each with its numbers, and tells a screen reader how many", async () => {
    const page = await show(stack);
    await listed(page, 50);
    assert.deepEqual(await ids(page), newestFirst.slice(0, 50));
    const id = newestFirst[0] ?? "";
    const { statistics } = await clientOf(stack)
      .getOperation({ name: `operations/${id}` })
      .then(({ result }) => {
        assert.equal(result.case, "statistics");
        return { statistics: result.value as { count: bigint; median: number } };
      });
    assert.equal(
      await row(page, id).locator("[data-column=count] data").getAttribute("value"),
      String(statistics.count),
    );
    assert.equal(
      await row(page, id).locator("[data-column=median] data").getAttribute("value"),
      String(statistics.median),
    );
    assert.match(await row(page, id).locator("[data-column=worker]").innerText(), /\S/);
    assert.equal(await page.locator("#status").innerText(), "50 operations loaded");
    await windowShot(page, "history-list");
    await accessible(page, "history");
    assert.deepEqual(opened.complaints, []);
  });

  it("goes on page by page to the last one as it is scrolled, each operation once", async () => {
    const page = await show(stack);
    for (const count of [50, 150, 250, COUNT]) {
      await listed(page, count);
      await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
    }
    assert.deepEqual(await ids(page), newestFirst);
    await page.getByText(`That is all: ${COUNT} operations.`).waitFor();
    assert.equal(await page.locator("#more").count(), 0);
  });

  it("goes on by keyboard alone, and opens an operation with it", async () => {
    const page = await show(stack);
    await listed(page, 50);
    await page.locator("#more").focus();
    await page.keyboard.press("Enter");
    await listed(page, 150);
    await page.locator("#refresh").focus();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("title")), newestFirst[0]);
    await page.keyboard.press("Enter");
    await page.locator(`#operation[data-operation="${newestFirst[0]}"]`).waitFor();
  });

  it("is where it was, with the focus on the row, after a look at an operation", async () => {
    const page = await show(stack);
    await listed(page, 50);
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
    await listed(page, 150);
    const id = newestFirst[120] ?? "";
    await row(page, id).scrollIntoViewIfNeeded();
    const link = row(page, id).getByRole("link");
    const top = async () => Math.round((await link.boundingBox())?.y ?? -1);
    const before = await top();
    await link.click();
    await page.locator("#operation[data-state=done]").waitFor();
    await page.goBack();
    await until("the row is where it was", 5_000, async () =>
      Math.abs((await top()) - before) <= 2 ? true : undefined,
    );
    assert.ok((await rows(page).count()) >= 150);
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("title")), id);
  });

  it("waits with operations of others until somebody wants to see them", async () => {
    const page = await show(stack);
    await page.clock.install();
    await page.reload();
    await listed(page, 50);
    const [id = ""] = await computeMany(stack, 1);
    newestFirst.unshift(id);
    await page.clock.fastForward(10_000);
    await page.locator("#arrivals").waitFor();
    assert.match(await page.locator("#arrivals").innerText(), /^1 new operation/);
    assert.equal(await row(page, id).count(), 0);
    await accessible(page, "history with arrivals");
    await page.click("#arrivals");
    await row(page, id).waitFor();
    assert.deepEqual((await ids(page)).slice(0, 3), newestFirst.slice(0, 3));
    assert.equal(await page.locator("#arrivals").count(), 0);
  });

  it("has operations of the chosen day in UTC alone, and says so of a day without any", async () => {
    // The oldest id that a call may choose: it is of yesterday, but for the last minute of a day.
    const old = idOfAge(DAY_MS - 60_000);
    await clientOf(stack).compute({ values: listOf(7), operationId: old });
    const page = await show(stack);
    await listed(page, 50);
    await page.fill("#day", new Date(Date.now() - DAY_MS + 60_000).toISOString().slice(0, 10));
    await row(page, old).waitFor();
    await listed(page, 1);
    await page.fill("#day", "2020-02-29");
    await page.getByText("No operations on February 29, 2020").waitFor();
    await screenshot(page, "history-empty");
    await accessible(page, "history of an empty day");
    await page.click("#all-days");
    await listed(page, 50);
  });

  it("opens an operation by its address, and shows its result", async () => {
    const [id = ""] = newestFirst;
    const page = await show(stack, `${HISTORY}/${id}`);
    await page.locator("#operation[data-state=done] #result").waitFor();
    await screenshot(page, "history-operation");
    await accessible(page, "operation");
    await page.getByTestId("back").click();
    await listed(page, 50);
    assert.deepEqual(opened.complaints, []);
  });

  it("says so of an id that nobody has, and of one that is none", async () => {
    const page = await show(stack, `${HISTORY}/${idOfAge(30 * DAY_MS)}`);
    await page.getByText("There is no such operation").waitFor();
    await accessible(page, "unknown operation");
    await page.evaluate(() => (window.location.hash = "#/operations/6f1c2a4e-5b0d-4c7e-9a55-0123456789ab"));
    await page.getByText("This is not the id of an operation").waitFor();
  });

  it("marks this tab's own operations, and has none of them twice", async () => {
    const page = await show(stack);
    const [id = ""] = await computeMany(stack, 1);
    newestFirst.unshift(id);
    await startedHere(page, [{ id, state: "done", count: 3 }]);
    await row(page, id).getByText("Yours").waitFor();
    await row(page, id).locator("[data-column=median]").waitFor();
    assert.equal(await row(page, id).count(), 1);
    assert.equal((await ids(page))[0], id);
  });

  it("fits a phone", async () => {
    const page = await show(stack, HISTORY, { viewport: PHONE });
    await listed(page, 50);
    await fitsWidth(page);
    await accessible(page, "history on a phone");
    await windowShot(page, "history-phone");
    await page.setViewportSize({ width: 320, height: 640 });
    await fitsWidth(page);
  });

  it("is dark where the browser is, and large windows do not break it", async () => {
    const page = await show(stack, HISTORY, { colorScheme: "dark", viewport: { width: 2560, height: 900 } });
    await listed(page, 50);
    await accessible(page, "history, dark");
    await page.setViewportSize({ width: 1280, height: 900 });
    await windowShot(page, "history-dark");
  });

  it("speaks French, with dates and numbers as French people write them", async () => {
    const page = await show(stack, HISTORY, { locale: "fr-FR", timezoneId: "Europe/Paris" });
    await listed(page, 50);
    const time = row(page, newestFirst[0] ?? "").locator("time");
    assert.match(await time.innerText(), /^(maintenant|il y a \d+\s(s|min))$/);
    assert.match((await time.getAttribute("title")) ?? "", /^\d{1,2} \S+ 20\d\d,? (à )?\d\d:\d\d:\d\d/);
    assert.equal(await page.locator("th[data-column=median]").innerText(), "Médiane");
    await windowShot(page, "history-french");
  });
});

describe("the history of a stack whose workers come late", () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack(0);
  });
  after(() => stack?.stop());

  it("is empty at first, and says what to do", async () => {
    const page = await show(stack);
    await page.getByText("No operations yet").waitFor();
    await accessible(page, "empty history");
    await page.getByRole("link", { name: "Compute something" }).click();
    await page.locator("#main[data-view=compute]").waitFor();
  });

  it("has an own operation at once, marks it when it times out, and turns it into its result", async (t) => {
    const page = await show(stack, "?timeout=4s");
    await page.fill("#values", "4, 5, 2, 35, 2452");
    await page.click("#compute");
    await page.locator("#main[data-state=computing]").waitFor();
    await page.evaluate((hash) => (window.location.hash = hash), HISTORY);
    const own = page.locator("#history tr[data-own]");
    await own.getByText("Computing…").waitFor();
    assert.match(await own.innerText(), /Yours/);
    await own.getByText("Timed out").waitFor();
    await windowShot(page, "history-own-late");
    await accessible(page, "history with a late operation");
    assert.equal(await own.getAttribute("data-own"), "late");
    const id = (await own.getAttribute("data-operation")) ?? "";
    await page.reload();
    await row(page, id).getByText("Timed out").waitFor();
    const worker = startWorker(stack, "late-worker");
    t.after(() => worker.stop());
    await row(page, id).locator("[data-column=median] data[value='5']").waitFor();
    assert.equal(await page.locator("#history tbody tr").count(), 1);
    await until("it is said", 5_000, async () =>
      (await page.locator("#status").innerText()) === "A late result has arrived." ? true : undefined,
    );
    assert.deepEqual(opened.complaints, []);
  });

  it("shows an operation that is under way by itself, and then its result; waiting can be stopped", async (t) => {
    const submitted = await clientOf(stack).submitOperation({ request: { values: listOf(1_000) } });
    const id = submitted.name.replace("operations/", "");
    const page = await show(stack, `${HISTORY}/${id}`);
    await page.locator("#operation[data-state=pending]").waitFor();
    await until("the time under way is told", 5_000, async () =>
      /^\d+\u00a0s$/.test(await page.getByTestId("since").innerText()) ? true : undefined,
    );
    await windowShot(page, "history-pending");
    await accessible(page, "pending operation");
    await page.click("#wait");
    await page.getByText("No longer waiting").waitFor();
    await page.click("#wait");
    await page.getByText("Still under way").waitFor();
    const worker = startWorker(stack, "later-worker");
    t.after(() => worker.stop());
    await page.locator("#operation[data-state=done] #result").waitFor();
    assert.equal(await page.locator("#status").innerText(), "A late result has arrived.");
  });

  it("tells of an operation that failed, in the list and by itself", async (t) => {
    const submitted = await clientOf(stack).submitOperation({ request: { values: listOf(1_000) } });
    const id = submitted.name.replace("operations/", "");
    const worker = startWorker(stack, "small-worker", ["--max-values", "10"]);
    t.after(() => worker.stop());
    const page = await show(stack, `${HISTORY}/${id}`);
    await page.getByTestId("operation-failed").waitFor();
    assert.match(await page.getByTestId("operation-failed").innerText(), /RESOURCE_EXHAUSTED \(8\)/);
    await windowShot(page, "history-failed");
    await accessible(page, "failed operation");
    await page.getByTestId("back").click();
    await row(page, id).locator("[data-column=result] .bad").waitFor();
  });

  it("asks for a token where authentication is on, and lists with it", async () => {
    const page = await show(stack, "");
    // What a proxy that authenticates answers in gRPC-Web: trailers alone, in the place of headers.
    const refusal = {
      "content-type": "application/grpc-web+proto",
      "grpc-status": "16",
      "grpc-message": "who are you",
    };
    await page.route("**/ListOperations", (route) =>
      route.request().headers()["authorization"] === "Bearer open-sesame"
        ? route.continue()
        : route.fulfill({ status: 200, headers: refusal }),
    );
    await page.evaluate((hash) => (window.location.hash = hash), HISTORY);
    await page.getByTestId("history-trouble").waitFor();
    await accessible(page, "history without a token");
    await page.getByTestId("token").fill("open-sesame");
    await page.getByTestId("use-token").click();
    await listed(page, 3);
    await page.getByTestId("history-trouble").waitFor({ state: "detached" });
  });

  it("asks for nothing while the tab is hidden", async () => {
    const page = await show(stack);
    await listed(page, 3);
    await page.clock.install();
    await page.reload();
    await listed(page, 3);
    let asked = 0;
    page.on("request", (request) => {
      asked += request.url().includes("ComputeService") ? 1 : 0;
    });
    const turn = (state: string) =>
      page.evaluate((state) => {
        Object.defineProperty(document, "visibilityState", { configurable: true, value: state });
        document.dispatchEvent(new Event("visibilitychange"));
      }, state);
    await turn("hidden");
    await page.clock.runFor(10 * 60_000);
    assert.equal(asked, 0);
    await turn("visible");
    await until("it asks again", 5_000, async () => (asked > 0 ? true : undefined));
  });

  it("keeps what it has when the gateway cannot be reached, says so, and can be asked again", async () => {
    const page = await show(stack);
    await listed(page, 3);
    await page.route("**/ListOperations", (route) => route.abort("connectionrefused"));
    await page.click("#refresh");
    await page.getByTestId("history-trouble").waitFor();
    await listed(page, 3);
    await windowShot(page, "history-unreachable");
    await accessible(page, "history without a gateway");
    await page.unroute("**/ListOperations");
    await page.getByTestId("history-trouble").getByRole("button").click();
    await page.getByTestId("history-trouble").waitFor({ state: "detached" });
  });
});
