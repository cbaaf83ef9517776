import type { Page } from "@playwright/test";
import { about, card, dropOn } from "./script_card";
import { bundledScript, expect, open, screenshotPath, test } from "./weir";

const NAME = "errors-of-the-test";

test.describe("upload", () => {
  // The browser reports the refused upload on the console by itself.
  test.use({ expectedErrors: async ({}, use) => use([/^Failed to load resource: the server responded with a status of 4\d\d/]) });

  test("a script is loaded, swapped, refused when it is garbage, disabled and deleted", async ({ page, weir }) => {
    await open(page, weir, "scripts");
    const form = page.getByRole("form", { name: "load a script" });
    await expect(card(page, "errors")).toContainText("running");

    await chooseFile(page, "errors");
    await expect(page.getByLabel("Name")).toHaveValue("errors");
    await expect(form.getByRole("button", { name: "Swap" })).toBeVisible();
    await expect(form).toContainText("It is the same module, byte for byte.");
    await page.getByLabel("Name").fill(NAME);
    await expect(form.locator('[data-diff="summary"] td')).toHaveText("Keeps calls that failed, and slow ones if asked to");
    await form.getByLabel("ignore").fill("EPIPE");
    await form.getByRole("button", { name: "Load", exact: true }).click();
    await expect(page.getByRole("region", { name: "upload" }).getByRole("status")).toHaveText(new RegExp(`^Loaded ${NAME} `));
    await expect(card(page, NAME)).toContainText("running");

    expect((await about(page, weir, NAME)).params.ignore).toBe("EPIPE");

    // Another module in its place: what changes is said before anything does.
    const before = await about(page, weir, NAME);
    await dropOn(page, card(page, NAME), bundledScript("destinations"));
    await expect(page.getByLabel("Name")).toHaveValue(NAME);
    const diff = form.getByRole("region", { name: "what changes" });
    const row = (name: string) => diff.locator(`[data-diff="${name}"]`);
    await expect(row("summary").locator("del")).toHaveText("Keeps calls that failed, and slow ones if asked to");
    await expect(row("summary").locator("ins")).toHaveText("Calls and bytes per destination");
    await expect(row("role").locator("ins")).toHaveText("aggregate");
    await expect(row("param ignore")).toHaveClass("removed");
    await expect(row("table bytes")).toHaveClass("added");
    await expect(form).toContainText("Parameters it does not have any more: ignore");
    await expect(form).toContainText("this swaps it between two batches");
    expect((await about(page, weir, NAME)).sha256).toBe(before.sha256);
    await page.screenshot({ path: screenshotPath("scripts-swap") });
    await form.getByRole("button", { name: "Swap" }).click();
    await expect(page.getByRole("region", { name: "upload" }).getByRole("status")).toHaveText(new RegExp(`^Swapped ${NAME} `));
    expect((await about(page, weir, NAME)).sha256).not.toBe(before.sha256);
    await page.screenshot({ path: screenshotPath("scripts"), fullPage: true });

    const answered = page.waitForResponse((response) => response.request().method() === "POST");
    await page.locator("#wasm-file").setInputFiles({ name: `${NAME}.wasm`, mimeType: "application/wasm", buffer: Buffer.from("this is no WebAssembly") });
    const { code, message } = await (await answered).json();
    const alert = page.getByRole("region", { name: "upload" }).getByRole("alert");
    await expect(alert.locator(".error-message")).toHaveText(message);
    await expect(alert.locator(".error-code")).toHaveText(code);
    await expect(card(page, NAME)).toContainText("running");
    await page.screenshot({ path: screenshotPath("scripts-refused"), fullPage: true });
    await expect(form.getByRole("button", { name: "Swap" })).toHaveCount(0);
    await page.getByRole("button", { name: "Cancel" }).click();

    await card(page, NAME).getByRole("button", { name: "Disable" }).click();
    await expect(card(page, NAME)).toContainText("disabled");
    await card(page, NAME).getByRole("button", { name: "Enable" }).click();
    await expect(card(page, NAME)).toContainText("running");

    await card(page, NAME).getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await expect(card(page, NAME)).toHaveCount(0);
  });
});

test("a dropped file fills the form", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  await expect(card(page, "errors")).toBeVisible();
  await dropOn(page, page.locator(".drop-zone"), bundledScript("errors"), "mine.wasm");
  await expect(page.getByLabel("Name")).toHaveValue("mine");
  await expect(page.getByRole("button", { name: "Load", exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("form", { name: "load a script" })).toHaveCount(0);
});

test("a card tells cost, faults and log", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  const latency = card(page, "latency");
  for (const name of ["events in", "kept", "dropped", "p50 per event", "p99 per event", "core share", "memory"]) await expect(latency.locator("dt", { hasText: name }).first()).toBeVisible();
  const { describe } = await (await page.request.get(`${weir.origin}/api/v1/scripts/latency`)).json();
  await expect(latency.locator(".wants code")).toHaveText(describe.wants.calls);
  await expect(latency.locator(".wants")).toContainText(describe.wants.payload === 0 ? "no payload" : "payload");
  await latency.getByText("Log", { exact: true }).click();
  await expect(latency.locator(".log")).toHaveText(/It has logged nothing|info|debug|warn|error/);
});

test("without the token the page reads, and says where the token is", async ({ page, weir }) => {
  await page.goto(`${weir.origin}/#/scripts`);
  await expect(page.getByRole("button", { name: "read only" })).toBeVisible();
  await card(page, "errors").getByRole("button", { name: "Disable" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("DATA_DIR/token");
  await expect(dialog).toContainText("weir run");
  await page.screenshot({ path: screenshotPath("token") });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(card(page, "errors")).toContainText("running");

  await page.getByRole("button", { name: "read only" }).click();
  await dialog.getByLabel("Token").fill(weir.link);
  await dialog.getByRole("button", { name: "Keep the token" }).click();
  await expect(page.getByRole("button", { name: "can change" })).toBeVisible();
});

async function chooseFile(page: Page, name: string): Promise<void> {
  const chooser = page.waitForEvent("filechooser");
  await page.getByText("choose a file").click();
  await (await chooser).setFiles(bundledScript(name));
}
