import type { Page } from "@playwright/test";
import { expect, open, screenshotPath, test } from "./weir";

async function choose(page: Page, kind: "counter" | "histogram"): Promise<void> {
  await page.getByRole("navigation", { name: "tables" }).locator(`[data-kind="${kind}"]`).first().click();
  await expect(page.locator(`table.rows.${kind} tbody tr`).first()).toBeVisible();
}

test("a counter has rows with bars and sorts both ways", async ({ page, weir }) => {
  await open(page, weir, "tables");
  await choose(page, "counter");
  await expect(page.locator("table.rows.counter .bar").first()).toBeVisible();
  const value = page.getByRole("columnheader", { name: "value" });
  await expect(value).toHaveAttribute("aria-sort", "descending");
  await page.screenshot({ path: screenshotPath("table-counter"), fullPage: true });

  const key = page.locator("table.rows thead th").first();
  await key.getByRole("button").click();
  await expect(key).toHaveAttribute("aria-sort", "ascending");
  const request = page.waitForRequest((sent) => sent.url().includes("sort=key") && sent.url().includes("order=desc"));
  await key.getByRole("button").click();
  await expect(key).toHaveAttribute("aria-sort", "descending");
  await request;
});

test("a histogram has quantiles and draws the chosen row", async ({ page, weir }) => {
  await open(page, weir, "tables");
  await choose(page, "histogram");
  for (const name of ["count", "p50", "p90", "p99", "max"]) await expect(page.getByRole("columnheader", { name })).toBeVisible();
  const row = page.locator("table.rows.histogram tbody tr").last();
  const name = (await row.locator(".key-text").innerText()).trim();
  await row.getByRole("button").click();
  const figure = page.locator("figure.histogram");
  await expect(figure.locator("figcaption")).toHaveText(name);
  await expect(figure.locator("rect.column")).not.toHaveCount(0);
  await expect(row.locator("td").nth(1)).toHaveText(/(ns|µs|ms|s)$/);

  await page.getByRole("columnheader", { name: "p99" }).getByRole("button").click();
  await expect(page.getByRole("columnheader", { name: "p99" })).toHaveAttribute("aria-sort", "descending");
  await page.screenshot({ path: screenshotPath("table-histogram"), fullPage: true });
});
