import { expect, open, screenshotPath, test } from "./weir";

// The rows are used again while the list is live, so a test that reads one pauses first.

test("events appear live, and pausing holds them", async ({ page, weir }) => {
  await open(page, weir, "events");
  const rows = page.locator(".event-body .event-row:visible");
  await expect(rows.first()).toBeVisible();
  await expect(page.locator(".live")).toHaveText("live");
  await expect(page.locator(".missed")).toContainText("missed");
  const first = await rows.first().getAttribute("data-seq");
  await expect(rows.first()).not.toHaveAttribute("data-seq", first ?? "");

  await page.getByRole("button", { name: "Pause" }).click();
  const held = await rows.first().getAttribute("data-seq");
  await expect(page.locator(".waiting")).toHaveText(/[1-9][\d,]* new since the pause/);
  await expect(rows.first()).toHaveAttribute("data-seq", held ?? "");
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(rows.first()).not.toHaveAttribute("data-seq", held ?? "");
  await page.screenshot({ path: screenshotPath("events") });
});

test("words are found while typing", async ({ page, weir }) => {
  await open(page, weir, "events");
  const rows = page.locator(".event-body .event-row:visible");
  await expect(rows.first()).toBeVisible();
  const find = page.getByRole("searchbox", { name: "Find" });
  const processes = () => rows.locator(".process").allInnerTexts();
  // One of the workload's: of others, the browser's say, some are named in events of their neighbours.
  await find.fill("wl- sendmsg");
  await expect(async () => {
    const found = await processes();
    expect(found.length).toBeGreaterThan(4);
    expect(found.every((text) => text.startsWith("wl-"))).toBe(true);
  }).toPass();
  await page.getByRole("button", { name: "Pause" }).click();
  const process = (await rows.first().locator(".process").innerText()).trim();
  const [name = "", pid = ""] = process.split(" ");
  await find.fill("");
  await find.pressSequentially(process.toUpperCase());
  await expect.poll(async () => (await processes()).every((text) => text.includes(pid))).toBe(true);
  expect(await processes()).not.toHaveLength(0);

  // A minus before a word is without it.
  await find.fill(`-${name} sendmsg`);
  await expect.poll(async () => (await processes()).some((text) => text.includes(name))).toBe(false);
  expect(await processes()).not.toHaveLength(0);

  await find.fill("nothing-is-called-so");
  await expect(page.getByText("Nothing here has these words")).toBeVisible();
  await expect(rows).toHaveCount(0);
});

test("the keyboard moves, opens and closes; the drawer has every field with tags and status", async ({ page, weir }) => {
  await open(page, weir, "events");
  const grid = page.getByRole("grid");
  await page.getByRole("searchbox", { name: "Find" }).fill("wl- sendmsg");
  await expect(page.locator(".event-body .event-row:visible").nth(4)).toBeVisible();
  await grid.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const selected = page.locator('.event-row[aria-selected="true"]');
  await expect(selected).toHaveAttribute("aria-rowindex", "4");
  await page.keyboard.press("ArrowUp");
  await expect(selected).toHaveAttribute("aria-rowindex", "3");
  const seq = await selected.getAttribute("data-seq");

  await page.keyboard.press("Enter");
  const drawer = page.getByRole("complementary", { name: `Event ${seq}` });
  await expect(drawer).toBeVisible();
  const fd = drawer.locator('[data-field="fd"]');
  await expect(fd.locator(".tag")).not.toHaveCount(0);
  await expect(fd.locator(".status")).toHaveText(/^(ok|absent|fault|truncated|not_seen)$/);
  await expect(fd.locator(".when")).toHaveText("entry");
  await expect(drawer.locator('[data-field="ret"] .when')).toHaveText("exit");
  const name = drawer.locator('[data-field^="msg.name"]').first();
  for (const tag of ["U", "TOCTOU", "OPT"]) await expect(name.locator(".tag", { hasText: new RegExp(`^${tag}$`) })).toBeVisible();
  for (const field of ["seq", "time", "call", "cpu", "duration_ns", "ret", "error", "compat", "index", "process.pid", "process.comm", "process.netns", "socket.inode", "msg.bytes", "msg.iov", "msg.control", "toctou", "kernel", "sendfile"]) {
    await expect(drawer.locator(`[data-field="${field}"]`)).toHaveCount(1);
  }
  await drawer.getByText("Raw JSON").click();
  const event = JSON.parse(await drawer.getByLabel("raw JSON").innerText());
  expect(String(event.seq)).toBe(seq);
  for (const part of ["time", "call", "process", "msg", "fields", "attrs"]) expect(event).toHaveProperty(part);
  await page.screenshot({ path: screenshotPath("event-drawer") });

  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await expect(selected).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(page.locator(".live")).toHaveText("live");
});

test("another pipeline can be chosen", async ({ page, weir }) => {
  await open(page, weir, "events");
  const select = page.getByLabel("Pipeline");
  await expect(select.locator("option")).not.toHaveCount(0);
  await select.selectOption("destinations");
  await expect(page).toHaveURL(`${weir.origin}/#/events/destinations`);
  await expect(page.locator(".event-body .event-row:visible").first()).toBeVisible();
});
