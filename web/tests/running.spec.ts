import { about, card, dropOn } from "./script_card";
import { large, trapping } from "./modules";
import { expect, open, screenshotPath, test, type Weir } from "./weir";
import type { Page } from "@playwright/test";

// What can be done with a script that runs, and what becomes of one that cannot.

test.use({ expectedErrors: async ({}, use) => use([/^Failed to load resource: the server responded with a status of 4\d\d/]) });

test("parameters are a form of their types, and change while it runs", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  const errors = card(page, "errors");
  await errors.getByText(/^Parameters/).click();
  const form = page.getByRole("form", { name: "parameters of errors" });
  await form.getByLabel("slower_than").fill("5ms");
  await form.getByRole("button", { name: "Apply" }).click();
  await expect(errors.getByRole("status")).toHaveText("Set slower_than.");
  expect((await about(page, weir, "errors")).params.slower_than).toBe("5ms");
  await expect(errors.getByText("Parameters (2, 1 not the default)")).toBeVisible();

  await form.getByLabel("slower_than").fill("soon");
  await form.getByRole("button", { name: "Apply" }).click();
  await expect(errors.getByRole("alert").locator(".error-message")).toContainText("`soon` is not a duration");
  await expect(errors.getByRole("alert").locator("code")).toHaveText("bad_param");
  // What was typed stays, to be mended.
  await expect(form.getByLabel("slower_than")).toHaveValue("soon");

  await form.getByRole("button", { name: "All to their defaults" }).click();
  await form.getByRole("button", { name: "Apply" }).click();
  await expect(errors.getByText("Parameters (2)")).toBeVisible();
  expect((await about(page, weir, "errors")).params.slower_than).toBe("");
});

test("limits are shown and changed", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  const talkers = card(page, "talkers");
  await talkers.getByText(/^Limits/).click();
  const form = page.getByRole("form", { name: "limits of talkers" });
  await expect(form.getByLabel("Time per batch, ms")).toHaveValue("100");
  await form.getByLabel("Time per batch, ms").fill("250");
  await form.getByLabel("Rows of each table, rows").fill("5000");
  await form.getByRole("button", { name: "Apply" }).click();
  await expect(talkers.getByRole("status")).toHaveText("Set batch_time_ms, table_keys.");
  expect((await about(page, weir, "talkers")).limits).toMatchObject({ batch_time_ms: 250, table_keys: 5000 });
  await expect(talkers.getByText(/^Limits 250 ms per batch/)).toBeVisible();
});

test("the cost is drawn over time", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  const cost = page.getByRole("figure", { name: "cost of latency" });
  await expect(cost.locator(".line-p50 b")).toHaveText(/(ns|µs|ms)$/);
  await expect(cost.locator(".line-share b")).toHaveText(/%$/);
  // A point every two seconds, also while one looks elsewhere.
  await page.keyboard.press("1");
  await expect(page).toHaveTitle(/^Overview/);
  await page.keyboard.press("2");
  await expect(async () => expect((await cost.locator("path.p99").getAttribute("d"))?.match(/L/g)?.length ?? 0).toBeGreaterThan(1)).toPass();
});

test("a pipeline is put in another order, by the keyboard", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  const order = page.getByRole("list", { name: "scripts of service-latency, in order" }).locator("a");
  await expect(order).toHaveText(["service", "latency"]);
  await page.getByRole("button", { name: "move service later in service-latency" }).focus();
  await page.keyboard.press("Enter");
  await expect(order).toHaveText(["latency", "service"]);
  const back = page.getByRole("button", { name: "move service earlier in service-latency" });
  await expect(back).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(order).toHaveText(["service", "latency"]);
});

test("a load that takes long is followed, while everything else goes on", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  await dropOn(page, page.locator(".drop-zone"), large(6_000), "slow.wasm");
  const form = page.getByRole("form", { name: "load a script" });
  await expect(form.getByRole("button", { name: "Compiling and looking…" })).toBeDisabled();
  await expect(form.getByRole("button", { name: "Load", exact: true })).toBeVisible({ timeout: 40_000 });
  await form.getByRole("button", { name: "Cancel" }).click();
  // Put by somebody else: this page follows it all the same.
  const put = page.request.put(`${weir.origin}/api/v1/scripts/slow`, { data: large(6_001), headers: { authorization: `Bearer ${token(weir)}`, "content-type": "application/wasm" } });
  await expect(page.getByRole("progressbar", { name: "load of slow" })).toBeVisible();
  await expect(page.getByRole("list", { name: "loads" })).toContainText(/slow .* (compiling|starting)/);
  await page.screenshot({ path: screenshotPath("scripts-loading") });
  expect([201, 202]).toContain((await put).status());
  await expect(card(page, "slow")).toContainText("running", { timeout: 40_000 });
  await expect(page.getByRole("progressbar")).toHaveCount(0);
  await remove(page, weir, "slow");
});

test("a refused load is told of with its code, until it is dismissed", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  await page.request.put(`${weir.origin}/api/v1/scripts/no-script`, { data: Buffer.from("no WebAssembly"), headers: { authorization: `Bearer ${token(weir)}`, "content-type": "application/wasm" } });
  const refused = page.getByRole("list", { name: "loads" }).getByRole("listitem").filter({ hasText: "no-script" });
  await expect(refused).toContainText("refused");
  await expect(refused.locator(".error-code")).toHaveText("invalid_module");
  await refused.getByRole("button", { name: "dismiss the refused load of no-script" }).click();
  await expect(refused).toHaveCount(0);
});

test("a version that fails with its first batches is rolled back, and the page says so", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  const destinations = card(page, "destinations");
  await dropOn(page, destinations, trapping());
  await page.getByRole("form", { name: "load a script" }).getByRole("button", { name: "Swap" }).click();
  const rolled = destinations.getByRole("group", { name: "rolled back" });
  await expect(rolled).toContainText("failed with its first batches");
  await rolled.getByText("How it failed").click();
  await expect(rolled.getByRole("list", { name: "backtrace, innermost first" })).toContainText("explode");
  await expect(destinations).toContainText("running");
  await page.screenshot({ path: screenshotPath("scripts-rolled-back") });
});

test("faults have backtraces, and a quarantined script a way out", async ({ page, weir }) => {
  test.slow();
  await page.request.put(`${weir.origin}/api/v1/scripts/bad?pipeline=bad`, { data: trapping(), headers: { authorization: `Bearer ${token(weir)}`, "content-type": "application/wasm" } });
  await open(page, weir, "scripts");
  const bad = card(page, "bad");
  await expect(bad.locator(".chip.state")).toHaveText("quarantined", { timeout: 60_000 });
  await expect(bad.locator(".quarantine")).toContainText("raise its limits");
  await bad.getByText(/^Faults: [\d,]+ trapped/).click();
  await expect(bad.getByRole("list", { name: "backtrace, innermost first" })).toContainText("explode");
  await page.screenshot({ path: screenshotPath("scripts-quarantined") });
  await bad.getByRole("button", { name: "Start again" }).click();
  await expect(bad.getByRole("status")).toHaveText("bad is at work again.");
  await bad.getByRole("button", { name: "Disable" }).click();
  await expect(bad.locator(".chip.state")).toHaveText("disabled");
  await remove(page, weir, "bad");
});

test("a link leads to a script", async ({ page, weir }) => {
  await page.goto(`${weir.origin}/#/scripts/talkers`);
  await expect(card(page, "talkers")).toBeInViewport();
  await expect(card(page, "talkers")).toHaveClass(/linked/);
});

function token({ link }: Weir): string {
  return new URL(link).hash.replace("#token=", "");
}

async function remove(page: Page, weir: Weir, name: string): Promise<void> {
  await page.request.delete(`${weir.origin}/api/v1/scripts/${name}`, { headers: { authorization: `Bearer ${token(weir)}` } });
}
