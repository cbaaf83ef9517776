import type { Page } from "@playwright/test";
import { expect, open, screenshotPath, test } from "./weir";

async function choose(page: Page, kind: "counter" | "histogram" | "gauge" | "topk" | "distinct" | "rate"): Promise<void> {
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

test("a topk tells the bounds of each sum", async ({ page, weir }) => {
  await open(page, weir, "tables");
  await choose(page, "topk");
  const columns = page.locator("table.rows.topk thead th");
  await expect(columns).toHaveText([/^process · container · destination/, /^at most/, "at least", /^error/]);
  await expect(columns.nth(1)).toHaveAttribute("aria-sort", "descending");
  await expect(page.locator(".table-head > p")).toContainText("the heaviest");
  const first = page.locator("table.rows.topk tbody tr").first();
  await expect(first.locator(".bar")).toBeVisible();
  await expect(first.locator("td").nth(1)).toHaveText(/(B|KiB|MiB|GiB)$/);
  await expect(first.locator("td").nth(2)).toHaveText(/(exact|B)$/);
  await columns.nth(3).getByRole("button").click();
  await expect(columns.nth(3)).toHaveAttribute("aria-sort", "descending");
  await page.screenshot({ path: screenshotPath("table-topk"), fullPage: true });
});

test("a rate is per second over a window", async ({ page, weir }) => {
  await open(page, weir, "tables");
  await choose(page, "rate");
  await expect(page.locator(".table-head > p")).toContainText("over 1 min 0 s");
  const first = page.locator("table.rows.rate tbody tr").first();
  await expect(first.locator("td").first()).toContainText(/B\/s/);
  const sum = page.getByRole("columnheader", { name: "in the window" });
  await sum.getByRole("button").click();
  await expect(sum).toHaveAttribute("aria-sort", "descending");
  await page.screenshot({ path: screenshotPath("table-rate"), fullPage: true });
});

test("a gauge says when it was set", async ({ page, weir }) => {
  await open(page, weir, "tables");
  await choose(page, "gauge");
  const set = page.getByRole("columnheader", { name: "set" });
  await set.getByRole("button").click();
  await expect(set).toHaveAttribute("aria-sort", "descending");
  const first = page.locator("table.rows.gauge tbody tr").first();
  await expect(first.locator("time")).toHaveText(/^\d+ s ago$/);
  await expect(first.locator("time")).toHaveAttribute("datetime", /^\d{4}-\d\d-\d\dT.*Z$/);
  await page.screenshot({ path: screenshotPath("table-gauge"), fullPage: true });
});

test("a distinct says whether it is exact", async ({ page, weir }) => {
  await open(page, weir, "tables");
  await choose(page, "distinct");
  const cells = page.locator("table.rows.distinct tbody tr").first().locator("td");
  await expect(cells.first()).toHaveText(/^[\d,]+$/);
  await expect(cells.nth(1)).toHaveText(/^(exact|± 1\.6 %)$/);
  await page.screenshot({ path: screenshotPath("table-distinct"), fullPage: true });
});

test.describe("in the dark, on a narrow screen", () => {
  test.use({ viewport: { width: 360, height: 740 }, colorScheme: "dark" });

  test("each kind of table fits", async ({ page, weir }) => {
    await open(page, weir, "tables");
    for (const kind of ["histogram", "topk", "rate", "gauge", "distinct"] as const) {
      await choose(page, kind);
      const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect(content).toBeLessThanOrEqual(window ?? 0);
      await page.screenshot({ path: screenshotPath(`narrow-${kind}`), fullPage: true });
    }
  });
});
