import { expect, open, screenshotPath, test } from "./weir";

test.use({ viewport: { width: 360, height: 740 }, colorScheme: "dark" });

for (const view of ["overview", "scripts", "events", "tables"] as const) {
  test(`${view} fits a narrow screen`, async ({ page, weir }) => {
    await open(page, weir, view);
    const ready = { overview: "svg.flow", scripts: ".card", events: ".event-body .event-row:visible", tables: "table.rows tbody tr" }[view];
    await expect(page.locator(ready).first()).toBeVisible();
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(content).toBeLessThanOrEqual(window ?? 0);
    await page.screenshot({ path: screenshotPath(`narrow-${view}`), fullPage: true });
  });
}
