import { join } from "node:path";
import { expect, open, test } from "./weir";

// The pictures of the documentation, of the real thing.
const DOCS = join(import.meta.dirname, "../../docs");

test("overview", async ({ page, weir }) => {
  test.setTimeout(120_000);
  await open(page, weir, "overview");
  // Long enough for the chart to have something to show.
  await page.waitForTimeout(45_000);
  await expect(page.locator('[data-balance="holds"]')).toBeVisible();
  await page.screenshot({ path: join(DOCS, "page.png") });
});

test("events", async ({ page, weir }) => {
  await open(page, weir, "events");
  await expect(page.locator(".event-body .event-row:visible").nth(15)).toBeVisible();
  await page.locator(".event-body .event-row:visible").nth(3).click();
  await expect(page.getByRole("complementary")).toBeVisible();
  await page.screenshot({ path: join(DOCS, "events.png") });
});
