import { join } from "node:path";
import { dropOn } from "./script_card";
import { bundledScript, expect, open, test } from "./weir";

// Pictures of the documentation, of the real thing.
const DOCS = join(import.meta.dirname, "../../docs");

test("overview and scripts", async ({ page, weir }) => {
  test.setTimeout(180_000);
  await open(page, weir, "overview");
  // Long enough for the charts to have something to show.
  await page.waitForTimeout(60_000);
  await expect(page.locator('[data-balance="holds"]')).toBeVisible();
  await page.screenshot({ path: join(DOCS, "page.png") });

  await page.setViewportSize({ width: 1280, height: 1000 });
  await page.keyboard.press("2");
  const errors = page.getByRole("article", { name: "script errors" });
  await dropOn(page, errors, bundledScript("destinations"));
  await expect(page.getByRole("region", { name: "what changes" })).toBeVisible();
  await page.getByRole("form", { name: "load a script" }).scrollIntoViewIfNeeded();
  await page.evaluate(() => scrollTo(0, 140));
  await page.screenshot({ path: join(DOCS, "swap.png") });
  await page.getByRole("button", { name: "Cancel" }).click();
  await errors.getByText(/^Parameters/).click();
  await errors.getByText(/^Limits/).click();
  // Below the bar, which sticks to the top.
  await page.evaluate(() => scrollTo(0, (document.querySelector<HTMLElement>(".cards")?.offsetTop ?? 0) - 66));
  await page.screenshot({ path: join(DOCS, "scripts.png") });
});

test("tables", async ({ page, weir }) => {
  test.setTimeout(360_000);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 1280, height: 1000 });
  await open(page, weir, "tables");
  // A point is written every ten seconds.
  await page.waitForTimeout(200_000);
  await page.getByRole("navigation", { name: "tables" }).locator('[data-kind="histogram"]').first().click();
  await page.getByLabel("Time range").selectOption({ label: "last 5 minutes" });
  await expect(page.locator("figure.histogram")).toBeVisible();
  await page.waitForTimeout(3_000);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(DOCS, "tables.png") });
});
