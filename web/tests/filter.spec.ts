import { expect, open, screenshotPath, test } from "./weir";

// The host filters, in the language of expressions; what it says of a wrong one is shown as it is.

test.use({ expectedErrors: async ({}, use) => use([/^Failed to load resource: the server responded with a status of 4\d\d/]) });

const MARKED = 'column 9: `call` is never "sendmgs"; did you mean `sendmsg` or `sendmmsg`?\n    call == "sendmgs"\n            ^^^^^^^^^';

test("events are filtered as one types, and the link holds the filter", async ({ page, weir }) => {
  const able = (await page.request.get(`${weir.origin}/api/v1/events?limit=1&filter=fd%20%3D%3D%203`)).ok();
  await open(page, weir, "events");
  const rows = page.locator(".event-body .event-row:visible");
  await expect(rows.first()).toBeVisible();
  const filter = page.getByRole("searchbox", { name: "Filter" });
  await filter.pressSequentially('process.comm == "wl-tcp4"');
  if (!able) {
    // A host of before it could says so, and nothing else stops.
    await expect(page.getByRole("alert")).toContainText("cannot filter events by an expression yet");
    await expect(page.locator(".live")).toHaveText("live");
    return;
  }
  await expect(page).toHaveURL(/\?filter=process\.comm/);
  await expect(rows.first()).toContainText("wl-tcp4");
  await page.getByRole("button", { name: "Pause" }).click();
  await expect
    .poll(async () => (await rows.locator(".process").allInnerTexts()).every((text) => text.startsWith("wl-tcp4 ")))
    .toBe(true);
  await page.reload();
  await expect(filter).toHaveValue('process.comm == "wl-tcp4"');
  await expect(rows.first()).toContainText("wl-tcp4");

  // While it is wrong, the one before goes on.
  await filter.fill('call == "sendmgs"');
  await expect(page.getByRole("alert")).toHaveText(MARKED);
  await expect(filter).toHaveAttribute("aria-invalid", "true");
  await expect(rows.first()).toContainText("wl-tcp4");
  await page.screenshot({ path: screenshotPath("events-filter") });
  await filter.clear();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await expect(page).not.toHaveURL(/filter=/);
});

test("what is wrong with a filter is marked, each character in its column", async ({ page, weir }) => {
  await page.route(/\/api\/v1\/events\?.*filter=/, (route) => route.fulfill({ status: 422, json: { code: "bad_expression", message: MARKED } }));
  await open(page, weir, "events");
  await page.getByRole("searchbox", { name: "Filter" }).fill('call == "sendmgs"');
  const alert = page.getByRole("alert");
  await expect(alert).toHaveText(MARKED);
  expect(await alert.evaluate((element) => getComputedStyle(element).whiteSpace)).toMatch(/^pre/);
  await expect(page.locator(".live")).toHaveText("live");
});

test("columns are chosen, and the choice is kept", async ({ page, weir }) => {
  await open(page, weir, "events");
  const heads = page.getByRole("grid").getByRole("columnheader");
  await expect(heads).toHaveText(["time", "process", "call", "socket", "to / from", "bytes", "result", "duration", "toctou", "attrs"]);
  await page.getByText("Columns", { exact: true }).click();
  await page.getByLabel("column seq").check();
  await page.getByLabel("column program").check();
  await page.getByLabel("column toctou").uncheck();
  const chosen = ["seq", "time", "process", "program", "call", "socket", "to / from", "bytes", "result", "duration", "attrs"];
  await expect(heads).toHaveText(chosen);
  await page.screenshot({ path: screenshotPath("events-columns") });
  await page.keyboard.press("Escape");
  await expect(page.getByRole("group", { name: "columns" })).toHaveCount(0);
  await page.reload();
  await expect(heads).toHaveText(chosen);
  const row = page.locator(".event-body .event-row:visible").first();
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(row.locator(".seq")).toHaveText((await row.getAttribute("data-seq")) ?? "");
  await page.getByText("Columns", { exact: true }).click();
  await page.getByRole("button", { name: "As many as fit" }).click();
  await page.setViewportSize({ width: 700, height: 800 });
  await expect(heads).toHaveText(["process", "call", "to / from", "result", "duration", "toctou"]);
});

test("a link leads to an event, from wherever", async ({ page, weir, context }) => {
  await open(page, weir, "events");
  // Few events fail, so this pipeline keeps them for longer.
  await page.getByLabel("Pipeline").selectOption("errors");
  await expect(page).toHaveURL(/\/errors$/);
  const row = page.locator(".event-body .event-row:visible").first();
  await expect(row).toBeVisible();
  await page.getByRole("button", { name: "Pause" }).click();
  await row.click();
  const seq = await row.getAttribute("data-seq");
  await expect(page).toHaveURL(`${weir.origin}/#/events/errors/${seq}`);
  const link = page.getByRole("link", { name: "link", exact: true });
  await expect(link).toHaveAttribute("href", `#/events/errors/${seq}`);

  const other = await context.newPage();
  for (const hash of [`#/events/${seq}`, `#/events/errors/${seq}`]) {
    await other.goto("about:blank");
    await other.goto(`${weir.origin}/${hash}`);
    await expect(other.getByRole("complementary", { name: `Event ${seq}` })).toBeVisible();
    await expect(other).toHaveURL(new RegExp(`/#/events/[\\w-]+/${seq}$`));
  }
  await other.goto(`${weir.origin}/#/events/999999999999`);
  await expect(other.getByText("Event 999999999999 is not kept")).toBeVisible();
  await other.close();
});

test("a payload that the host hides is said to be hidden", async ({ page, weir }) => {
  await page.route(/\/events\/stream\?/, (route) => route.fulfill({ contentType: "text/event-stream", body: "retry: 600000\n\n" }));
  await page.route(/\/api\/v1\/events\?/, async (route) => {
    const response = await route.fetch({ url: route.request().url().replace(/limit=\d+/, "limit=1000") });
    const body = await response.json();
    for (const { msg } of body.events) if (msg?.payload) Object.assign(msg, { payload: null, payload_hidden: true });
    await route.fulfill({ response, json: { ...body, events: body.events.filter(({ msg }: any) => msg?.payload_hidden) } });
  });
  await open(page, weir, "events");
  await page.locator(".event-body .event-row:visible").first().click();
  const payload = page.getByRole("complementary").locator(".hidden-payload");
  await expect(payload).toContainText(/hidden: \d+ bytes were read/);
  await expect(payload).toContainText("--show-payload");
});
