import type { Page } from "@playwright/test";
import { bundledScript, expect, open, screenshotPath, test } from "./weir";

const NAME = "errors-of-the-test";

test.describe("upload", () => {
  // The browser reports the refused upload on the console by itself.
  test.use({ expectedErrors: async ({}, use) => use([/^Failed to load resource: the server responded with a status of 4\d\d/]) });

  test("a script is loaded, swapped, refused when it is garbage, disabled and deleted", async ({ page, weir }) => {
    await open(page, weir, "scripts");
    await expect(card(page, "errors")).toContainText("running");

    await chooseFile(page);
    await expect(page.getByLabel("Name")).toHaveValue("errors");
    await expect(page.getByRole("button", { name: "Swap" })).toBeVisible();
    await page.getByLabel("Name").fill(NAME);
    await page.getByRole("button", { name: "Load", exact: true }).click();
    await expect(page.getByRole("status")).toHaveText(new RegExp(`^Loaded ${NAME} `));
    await expect(card(page, NAME)).toContainText("running");

    await chooseFile(page);
    await page.getByLabel("Name").fill(NAME);
    await expect(page.getByText(/this swaps it between two batches/)).toBeVisible();
    await page.getByRole("button", { name: "Swap" }).click();
    await expect(page.getByRole("status")).toHaveText(new RegExp(`^Swapped ${NAME} `));
    await page.screenshot({ path: screenshotPath("scripts"), fullPage: true });

    await page.locator("#wasm-file").setInputFiles({ name: `${NAME}.wasm`, mimeType: "application/wasm", buffer: Buffer.from("this is no WebAssembly") });
    const answered = page.waitForResponse((response) => response.request().method() === "PUT");
    await page.getByRole("button", { name: "Swap" }).click();
    const { code, message } = await (await answered).json();
    const alert = page.getByRole("region", { name: "upload" }).getByRole("alert");
    await expect(alert.locator(".error-message")).toHaveText(message);
    await expect(alert.locator(".error-code")).toHaveText(code);
    await expect(card(page, NAME)).toContainText("running");
    await page.screenshot({ path: screenshotPath("scripts-refused"), fullPage: true });
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
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["x"], "mine.wasm", { type: "application/wasm" }));
    return transfer;
  });
  await page.dispatchEvent(".drop-zone", "drop", { dataTransfer: data });
  await expect(page.getByLabel("Name")).toHaveValue("mine");
  await expect(page.getByRole("button", { name: "Load", exact: true })).toBeVisible();
});

test("a card tells cost, faults and log", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  const latency = card(page, "latency");
  for (const name of ["events in", "kept", "dropped", "p50 per event", "p99 per event", "memory"]) await expect(latency.locator("dt", { hasText: name }).first()).toBeVisible();
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

async function chooseFile(page: Page): Promise<void> {
  const chooser = page.waitForEvent("filechooser");
  await page.getByText("choose a file").click();
  await (await chooser).setFiles(bundledScript("errors"));
}

function card(page: Page, name: string) {
  return page.getByRole("article", { name: `script ${name}`, exact: true });
}
