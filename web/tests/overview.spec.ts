import { expect, open, screenshotPath, test } from "./weir";

test("says which backend was taken, why, and what it cannot see", async ({ page, weir }) => {
  await open(page, weir, "overview");
  const { backend, kernel, version } = await (await page.request.get(`${weir.origin}/api/v1/status`)).json();
  const panel = page.getByRole("region", { name: "Backend" });
  await expect(panel.locator(".backend-name b")).toHaveText(backend.name);
  await expect(panel).toContainText(backend.why);
  for (const blind of backend.cannot_see) await expect(panel).toContainText(blind);
  for (const { name } of backend.tried) await expect(panel.getByRole("listitem").filter({ hasText: name }).first()).toBeVisible();
  await expect(page.getByRole("region", { name: "Host" })).toContainText(kernel);
  await expect(page.getByRole("region", { name: "Host" })).toContainText(version);
});

test("says which calls are traced now, and leads to the blind spots", async ({ page, weir }) => {
  await open(page, weir, "overview");
  const panel = page.getByRole("region", { name: "Calls traced now" });
  for (const call of ["sendmsg", "sendmmsg", "sendto", "recvmsg", "recvmmsg", "recvfrom", "sendfile"]) {
    await expect(panel.getByRole("listitem").filter({ hasText: new RegExp(`${call}, traced$`) })).toBeVisible();
  }
  await expect(panel.getByRole("listitem").filter({ hasText: "io_uring, not traced" })).toBeVisible();
  const { backend } = await (await page.request.get(`${weir.origin}/api/v1/status`)).json();
  await panel.getByRole("button", { name: `${backend.cannot_see.length} blind spots` }).click();
  const spots = page.getByRole("list", { name: "blind spots" });
  await expect(spots).toBeInViewport();
  await expect(spots.getByRole("listitem")).toHaveText(backend.cannot_see);
});

test("draws a ledger whose rows sum to what was seen", async ({ page, weir }) => {
  await open(page, weir, "overview");
  const panel = page.getByRole("region", { name: /^Ledger/ });
  await expect(panel.locator("[data-balance]")).toHaveAttribute("data-balance", "holds");
  await expect(panel.locator("[data-balance]")).toContainText(/sum to [1-9][\d,]* seen/);
  for (const row of ["filtered_in_kernel", "unpaired", "ring_full", "in_flight", "undecodable", "queue_full", "dropped_by_script", "trapped", "timed_out", "quarantined"]) {
    await expect(panel.locator("svg .row-name", { hasText: row }).first()).toBeVisible();
  }
  await panel.getByText("The ledger as a table").click();
  const tables = panel.getByRole("table");
  const { pipelines } = await (await page.request.get(`${weir.origin}/api/v1/ledger`)).json();
  // One for all calls, one a pipeline, one for what stands beside the ledger.
  await expect(tables).toHaveCount(pipelines.length + 2);
  // In one go, since the figures go on changing.
  const accounts = await tables.evaluateAll((all) =>
    all
      .filter((table) => table.querySelector("tfoot"))
      .map((table) => ({
        calls: Array.from(table.querySelectorAll("tbody td:nth-child(2)"), (cell) => cell.textContent),
        sum: table.querySelector("tfoot td:nth-child(2)")?.textContent ?? "",
        says: table.querySelector("tfoot .meaning")?.textContent ?? "",
      })),
  );
  await expect(panel.getByRole("row", { name: /^unpaired_by\.too_many .* beyond those that the programs can tell of$/ })).toBeVisible();
  expect(accounts).toHaveLength(pipelines.length + 1);
  for (const { calls, sum, says } of accounts) {
    expect(calls.reduce((total, text) => total + number(text), 0)).toBe(number(sum));
    expect(number(sum)).toBeGreaterThan(0);
    expect(says).toMatch(/^equals /);
  }
  // The bar sticks to the top of what is in sight.
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: screenshotPath("overview"), fullPage: true });
});

test("rates follow the traffic", async ({ page, weir }) => {
  await open(page, weir, "overview");
  const seen = page.locator(".rate-legend li").filter({ hasText: /^seen/ }).locator("b");
  await expect(async () => expect(number(await seen.innerText())).toBeGreaterThan(0)).toPass();
  await expect(page.locator(".rate-canvas canvas")).toBeVisible();
});

test("takes the token out of the link", async ({ page, weir }) => {
  await page.goto(weir.link);
  await expect(page).toHaveURL(`${weir.origin}/#/overview`);
  await expect(page.getByRole("button", { name: "can change" })).toBeVisible();
});

function number(text: string): number {
  return Number(text.replaceAll(",", ""));
}
