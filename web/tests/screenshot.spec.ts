import { join } from "node:path";
import { expect, open, test } from "./weir";

// A picture of the documentation, of the real thing.
const DOCS = join(import.meta.dirname, "../../docs");

test("overview", async ({ page, weir }) => {
  test.setTimeout(120_000);
  await open(page, weir, "overview");
  // Long enough for the chart to have something to show.
  await page.waitForTimeout(45_000);
  await expect(page.locator('[data-balance="holds"]')).toBeVisible();
  await page.screenshot({ path: join(DOCS, "page.png") });
});
