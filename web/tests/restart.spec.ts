import { expect, open, screenshotPath, test } from "./weir";

test.use({ expectedErrors: async ({}, use) => use([/^Failed to load resource: net::ERR_/, /net::ERR_INCOMPLETE_CHUNKED_ENCODING/]) });
// A run of its own: it ends in the middle.
test.use({ pipelines: ["latency"] });

test("after a restart of weir the page goes on by itself", async ({ page, weir }) => {
  await open(page, weir, "events");
  const rows = page.locator(".event-body .event-row:visible");
  await expect(rows.first()).toBeVisible();
  await weir.stop();
  await expect(page.locator(".banner")).toContainText("Weir does not answer");
  await expect(page.locator(".live")).toHaveText("connecting");
  await page.screenshot({ path: screenshotPath("unreachable") });
  await weir.restart();
  await expect(page.locator(".banner")).toBeHidden();
  await expect(page.locator(".live")).toHaveText("live");
  await expect(rows.first()).toBeVisible();
  // Events of the new run: it counts from the start.
  const { started } = await (await page.request.get(`${weir.origin}/api/v1/status`)).json();
  const { events } = await (await page.request.get(`${weir.origin}/api/v1/events?limit=1`)).json();
  expect(Date.parse(events[0].time)).toBeGreaterThan(Date.parse(started));
  const newest = events[0].seq;
  await expect(async () => expect(Number(await rows.first().getAttribute("data-seq"))).toBeGreaterThan(newest)).toPass();

  // And changes go on with the token of before, which is in the host's folder.
  await page.getByRole("link", { name: "Scripts" }).click();
  const card = page.getByRole("article", { name: "script latency" });
  await card.getByRole("button", { name: "Disable" }).click();
  await expect(card).toContainText("disabled");
});
