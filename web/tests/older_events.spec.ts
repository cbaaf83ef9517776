import type { Locator, Page } from "@playwright/test";
import { expect, open, screenshotPath, test } from "./weir";

// Events beyond those in memory, which the store has.

test.use({ pipelines: ["latency", "errors"], flags: ["--keep-events", "200", "--store-events", "latency"] });

test("the list goes on behind what is in memory, to the first event there is", async ({ page, weir }) => {
  await expect(async () => expect(await stored(page, weir.origin)).toBeGreaterThan(800)).toPass();
  await open(page, weir, "events");
  const grid = page.getByRole("grid");
  const shown = page.locator(".shown");
  await expect(shown).toHaveText(/^[1-9][\d,]* events$/);
  // Its end by the keyboard: the list stands still, and the next page comes.
  await grid.focus();
  await page.keyboard.press("End");
  await expect(page.locator(".live")).toHaveText("paused");
  const last = page.locator('.event-row[aria-selected="true"]');
  const oldest = await seqOf(last);
  const note = page.locator(".older [role=status]");
  await expect(note).toHaveText(/^200 older events, back to /);
  await expect(last).toHaveAttribute("data-seq", String(oldest));
  const { events } = await (await page.request.get(`${weir.origin}/api/v1/events?pipeline=latency&before=${oldest}&limit=200`)).json();
  await page.keyboard.press("ArrowDown");
  await expect(last).toHaveAttribute("data-seq", String(events[0].seq));
  const index = Number(await last.getAttribute("aria-rowindex"));
  // Each is there once, in order.
  await page.keyboard.press("End");
  await expect(last).toHaveAttribute("data-seq", String(events[199].seq));
  await expect(last).toHaveAttribute("aria-rowindex", String(index + 199));
  await expect(note).toHaveText(/^400 older events, back to /);

  // By scrolling.
  await grid.hover();
  await page.mouse.wheel(0, 100_000);
  await expect(note).toHaveText(/^600 older events, back to /);
  expect(await grid.locator(".event-body").evaluate((body) => body.children.length)).toBeLessThan(80);
  await page.screenshot({ path: screenshotPath("events-older") });

  // By a button, and a key, until there are no more.
  const button = page.getByRole("button", { name: "Older events" });
  await button.click();
  await expect(note).toHaveText(/^(800 older events, back to |There are no older events)/);
  await expect(async () => {
    await grid.focus();
    await page.keyboard.press("o");
    await expect(note).toHaveText("There are no older events: these are all that weir has of latency.", { timeout: 200 });
  }).toPass({ intervals: [10] });
  await expect(button).toBeDisabled();
  await page.keyboard.press("End");
  const first = await (await page.request.get(`${weir.origin}/api/v1/events?pipeline=latency&before=${await seqOf(last)}`)).json();
  expect(first).toEqual({ events: [], next_before: null });
  await page.keyboard.press("Enter");
  await expect(page.getByRole("complementary", { name: `Event ${await seqOf(last)}` })).toBeVisible();

  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.locator(".live")).toHaveText("live");
  await expect(button).toBeEnabled();
  await expect(note).toBeEmpty();
  const newest = page.locator(".event-body .event-row:visible").first();
  const now = await seqOf(newest);
  await expect(newest).not.toHaveAttribute("data-seq", String(now));
});

test("older events are those that fit the filter", async ({ page, weir }) => {
  const filter = 'process.comm == "wl-errors"';
  await page.goto(`${weir.origin}/#/events/latency?${new URLSearchParams({ filter })}`);
  const rows = page.locator(".event-body .event-row:visible");
  await expect(rows.first()).toBeVisible();
  const asked = page.waitForRequest((request) => new URL(request.url()).searchParams.has("before"));
  await page.getByRole("button", { name: "Older events" }).click();
  expect(new URL((await asked).url()).searchParams.get("filter")).toBe(filter);
  await expect(page.locator(".older [role=status]")).toHaveText(/older events/);
  await page.getByRole("grid").focus();
  await page.keyboard.press("End");
  for (const process of await rows.locator(".process").allInnerTexts()) expect(process).toMatch(/^wl-errors /);
  // Another filter begins anew.
  await page.getByRole("searchbox", { name: "Filter" }).fill("error == null");
  await expect(page.locator(".live")).toHaveText("live");
  await expect(page.locator(".older [role=status]")).toBeEmpty();
});

test("of a pipeline that is not stored there is what is in memory", async ({ page, weir }) => {
  await page.goto(`${weir.origin}/#/events/errors`);
  await expect(page.locator(".event-body .event-row:visible").first()).toBeVisible();
  const button = page.getByRole("button", { name: "Older events" });
  await expect(async () => {
    await button.click({ timeout: 500 }).catch(() => undefined);
    await expect(page.locator(".older [role=status]")).toHaveText("There are no older events: these are all that weir has of errors.", { timeout: 500 });
  }).toPass();
});

test("an event of another day says of which", async ({ page, weir }) => {
  await page.clock.setFixedTime(Date.now() + 48 * 3_600_000);
  await open(page, weir, "events");
  const row = page.locator(".event-body .event-row:visible").first();
  await expect(row).toBeVisible();
  await page.getByRole("button", { name: "Pause" }).click();
  const time = row.locator(".time");
  await expect(time).toHaveText(/^\d{1,2} [A-Z][a-z]{2,3} \d{2}:\d{2}:\d{2}$/);
  expect(await time.evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)).toBe(true);
  await row.click();
  await expect(page.getByRole("complementary")).toContainText(/ · \d{1,2} [A-Z][a-z]{2,3} \d{2}:\d{2}:\d{2}\.\d{3}/);
});

async function stored(page: Page, origin: string): Promise<number> {
  const { store } = await (await page.request.get(`${origin}/api/v1/status`)).json();
  return store.events;
}

async function seqOf(row: Locator): Promise<number> {
  return Number(await row.getAttribute("data-seq"));
}
