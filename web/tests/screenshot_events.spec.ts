import { join } from "node:path";
import { expect, open, test } from "./weir";

const DOCS = join(import.meta.dirname, "../../docs");

// Without recvmsg and sendto, by which the browser itself talks: its own traffic would fill the list.
test.use({ calls: "sendmsg,sendmmsg,recvmmsg,sendfile", pipelines: ["latency"] });

test("events", async ({ page, weir }) => {
  await page.setViewportSize({ width: 1280, height: 960 });
  await open(page, weir, "events");
  await page.getByRole("searchbox", { name: "Find" }).fill("wl-");
  await expect(page.locator(".event-body .event-row:visible").nth(25)).toBeVisible();
  await page.waitForTimeout(2_000);
  // Credentials that are not the caller's own: the third message of a round of that kind.
  await expect(async () => {
    await page.getByRole("button", { name: "Pause" }).click();
    const rows = page.locator(".event-body .event-row:visible").filter({ hasText: "wl-control" }).filter({ hasText: "unix" });
    const at = await rows.evaluateAll((all) => all.map((row) => Number(row.getAttribute("data-seq"))));
    const newest = await rows.count() >= 3 ? Math.max(...at) : 0;
    if (newest === 0) await page.getByRole("button", { name: "Resume" }).click();
    expect(newest).toBeGreaterThan(0);
    await page.locator(`.event-row[data-seq="${newest}"]`).click({ timeout: 1_000 });
  }).toPass();
  const drawer = page.getByRole("complementary");
  await expect(drawer).toBeVisible();
  await drawer.evaluate((element) => (element.scrollTop = Number(element.querySelector<HTMLElement>('[data-field="msg.ptr"]')?.closest("table")?.offsetTop) - 66));
  await page.screenshot({ path: join(DOCS, "events.png") });
});
