import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, open, test, type Weir } from "./weir";

// Every view, with what can be opened in it, in both colours.

const READY = { overview: "svg.flow", scripts: ".card .cost", events: ".event-body .event-row:visible", tables: "table.rows tbody tr" };
const OPENED: Record<keyof typeof READY, (page: Page) => Promise<void>> = {
  overview: async (page) => {
    for (const summary of await page.locator("main summary").all()) await summary.click();
  },
  scripts: async (page) => {
    for (const summary of await page.getByRole("article", { name: "script errors" }).locator("summary").all()) await summary.click();
  },
  events: async (page) => {
    await page.locator(".event-body .event-row:visible").first().click();
    await expect(page.getByRole("complementary")).toBeVisible();
    await page.getByRole("button", { name: "Older events" }).click();
    await expect(page.locator(".older [role=status]")).not.toBeEmpty();
  },
  tables: async (page) => {
    await page.getByRole("navigation", { name: "tables" }).locator('[data-kind="histogram"]').first().click();
    await expect(page.locator("figure.histogram")).toBeVisible();
    // After the first step of ten seconds, and the page's next look at the history.
    await expect(page.getByRole("img", { name: /^heat map/ })).toBeVisible({ timeout: 40_000 });
    await page.getByText("The figures as a table").click();
    await expect(page.getByRole("table", { name: "figures over time" })).toBeVisible();
    const chart = page.locator(".time-chart .u-over");
    await chart.click({ position: { x: (await chart.evaluate((element) => element.clientWidth)) - 3, y: 60 } });
    await expect(page.locator(".as-of")).toBeVisible();
  },
};

for (const view of ["overview", "scripts", "events", "tables"] as const) {
  test(`${view} has nothing that axe finds wrong, in the light and in the dark`, async ({ page, weir }) => {
    // Axe looks at every node: on a busy machine that takes a while.
    test.slow();
    await show(page, weir, view);
    await OPENED[view](page);
    expect(await wrong(page)).toEqual([]);
    // The tree is the same in the dark; what differs are the colours.
    await page.emulateMedia({ colorScheme: "dark" });
    await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
    expect(await wrong(page, ["color-contrast"])).toEqual([]);
  });
}

test("the dialogs have nothing that axe finds wrong", async ({ page, weir }) => {
  await page.goto(`${weir.origin}/#/overview`);
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
  expect(await wrong(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "read only" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  expect(await wrong(page)).toEqual([]);
});

async function show(page: Page, weir: Weir, view: keyof typeof READY): Promise<void> {
  await open(page, weir, view);
  await expect(page.locator(READY[view]).first()).toBeVisible();
}

async function wrong(page: Page, rules?: string[]): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(" ")}: ${failureSummary?.split("\n").slice(1, 2).join("").trim()}`));
}
