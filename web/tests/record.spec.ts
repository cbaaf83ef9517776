import type { Locator, Page } from "@playwright/test";
import { expect, open, screenshotPath, test, type Weir } from "./weir";

// The complete record, of what `weir workload` does: each kind of traffic has its own process name.

const CALLS: Record<string, [kind: string, place: RegExp]> = {
  sendmsg: ["wl-udp6", /^→ \[::1\]:\d+$/],
  sendto: ["wl-relatives", /^→ 127\.0\.0\.1:\d+$/],
  sendmmsg: ["wl-relatives", /^→ 127\.0\.0\.1:\d+$/],
  recvmsg: ["wl-received", /^(←|at) /],
  recvmmsg: ["wl-relatives", /^← 127\.0\.0\.1:\d+$/],
  recvfrom: ["wl-relatives", /^(←|at) 127\.0\.0\.1:\d+$/],
  sendfile: ["wl-relatives", /sent\.txt → socket:\[\d+\]$/],
};

test("each call has a row that says what there is to say", async ({ page, weir }) => {
  for (const [call, [kind, place]] of Object.entries(CALLS)) {
    const row = await find(page, weir, `${kind} ${call}`);
    await expect(row.locator(".call")).toHaveText(call.endsWith("mmsg") ? new RegExp(`^${call} \\[[01]\\]$`) : call);
    await expect(row.locator(".place")).toHaveText(place);
    await expect(row.locator(".process")).toHaveText(new RegExp(`^${kind} \\d+$`));
    await expect(row.locator(".fd")).toHaveText(/^\d+ (udp|udp6|unix (dgram|stream))$/);
    await expect(row.locator(".bytes")).toHaveText(/^[\d.]+ (B|KiB)$/);
    await expect(row.locator(".duration")).toHaveText(/s$/);
    await expect(row.locator(".toctou")).toHaveText(/^(same|unread|–)$/);
  }
});

test("descriptors that are passed on stand with their files, credentials beside the caller's own", async ({ page, weir }) => {
  const drawer = await show(page, weir, "wl-control scm_rights scm_credentials");
  const messages = drawer.getByRole("list", { name: "control messages" }).locator("> li");
  await expect(messages).toHaveCount(2);
  await expect(messages.first()).toContainText(/^SCM_RIGHTS SOL_SOCKET/);
  await expect(messages.first().locator(".descriptors li").first()).toHaveText(/^fd \d+ \/dev\/null$/);
  await expect(messages.first().locator(".descriptors li")).toHaveCount(2);
  await expect(messages.last().getByRole("row", { name: "the caller is" })).toBeVisible();
  await expect(messages.last().locator(".differ")).toHaveCount(0);
  await page.screenshot({ path: screenshotPath("event-control") });
});

test("credentials that are not the caller's are marked", async ({ page, weir }) => {
  const drawer = await show(page, weir, "wl-control scm_credentials 65534");
  const message = drawer.locator('[data-type="SCM_CREDENTIALS"]');
  await expect(message.locator(".differ")).toHaveText("⚠ not the caller's own: uid, gid");
  await expect(message.getByRole("row", { name: "the message says" }).locator(".differs")).toHaveText(["65534", "65534"]);
});

test("what was received: source, payload in hex and as text, what the kernel says, all read at exit", async ({ page, weir }) => {
  const drawer = await show(page, weir, "wl-received recvmsg ip_pktinfo");
  await expect(drawer.getByLabel("payload in hex")).toContainText("0000  77 69 74 68 20 77 68 65 6e");
  await expect(drawer.getByLabel("payload as text")).toHaveText("with when, where to and how far");
  const types = drawer.getByRole("list", { name: "control messages" }).locator("> li > b");
  await expect(types).toHaveText(["SO_TIMESTAMPNS_OLD", "IP_PKTINFO", "IP_TTL", "IP_TOS"]);
  for (const field of ["msg.name.address", "msg.payload", "msg.control"]) await expect(drawer.locator(`[data-field="${field}"] .when`)).toHaveText("exit");
  await expect(drawer.locator('[data-field="msg.controllen_room"] .when')).toHaveText("entry");
  await expect(drawer.locator('[data-field="msg.controllen_room"] .value')).toHaveText("256");
});

test("the iovec table, and how much of it is shown", async ({ page, weir }) => {
  const drawer = await show(page, weir, "wl-iovecs 1024");
  await expect(drawer.getByRole("table", { name: "iovec table" }).locator("tbody tr")).toHaveCount(16);
  await expect(drawer.locator(".iov")).toContainText("the first 16 of 1,024 entries");
  await expect(drawer.locator('[data-field="msg.iov"] .tag')).toHaveText(["U", "TOCTOU", "OPT"]);
});

test("the process with its command line and ancestors, the socket with both ends", async ({ page, weir }) => {
  const drawer = await show(page, weir, "wl-unix-stream sendmsg");
  await expect(drawer.locator(".cmdline code").nth(1)).toHaveText("workload");
  const chain = drawer.getByRole("list", { name: "ancestors, the oldest first" }).getByRole("listitem");
  await expect(chain.last()).toContainText("wl-unix-stream");
  expect(await chain.count()).toBeGreaterThan(1);
  await expect(drawer.locator('[data-field="process.uid"] .value')).toHaveText("0 (root)");
  await expect(drawer.locator('[data-field="process.user"] .when')).toHaveText("host");
  await expect(drawer.locator('[data-field="socket.peer_process"]')).toHaveText(/^pid \d+ · uid 0 · gid 0$/);
  await show(page, weir, "wl-tcp4 sendmsg");
  for (const end of ["socket.local", "socket.peer"]) await expect(drawer.locator(`[data-field="${end}"] .value`)).toHaveText(/^127\.0\.0\.1:\d+$/);
});

test("sendfile: from which file, from where", async ({ page, weir }) => {
  await find(page, weir, "wl-relatives sendfile");
  // The one that has an offset leaves out the first five bytes of 24.
  const from5 = page.locator(".event-body .event-row:visible").filter({ has: page.locator(".result").getByText("19", { exact: true }) });
  await from5.first().click();
  const drawer = page.getByRole("complementary");
  await expect(drawer.locator('[data-field="sendfile.in"] .value')).toHaveText(/\/sent\.txt$/);
  await expect(drawer.locator('[data-field="sendfile.out"] .value')).toHaveText(/^socket:\[\d+\]$/);
  await expect(drawer.locator('[data-field="sendfile.offset"] .value')).toHaveText("5");
  await expect(drawer.locator('[data-field="sendfile.offset_after"] .value')).toHaveText("24");
});

test("a message that changed between call and use raises an alarm, in the list and in the drawer", async ({ page, weir }) => {
  // Not every backend sees the kernel's copy, so an event of the host's is made such a one on its way.
  await find(page, weir, "⚠", (event) => {
    event.toctou = "changed";
    event.kernel = { name: { family: "AF_INET", address: "10.0.0.66", port: 53 }, namelen: event.msg.namelen, bytes: event.msg.bytes, control: [] };
  });
  await page.getByRole("searchbox", { name: "Find" }).clear();
  await page.getByRole("button", { name: "1 changed between call and use" }).click();
  const rows = page.locator(".event-body .event-row:visible");
  await expect(rows).toHaveCount(1);
  await expect(rows).toHaveClass(/changed/);
  await expect(rows.locator(".toctou")).toHaveText("⚠ changed");
  await rows.click();
  const drawer = page.getByRole("complementary");
  await expect(drawer.getByRole("alert")).toContainText("the kernel used another name than the caller showed");
  const name = drawer.locator('[data-field="kernel.name"]');
  await expect(name).toHaveClass("differs");
  await expect(name.locator("td").first()).toHaveText(/^127\.0\.0\.1:\d+$/);
  await expect(name.locator("td").last()).toHaveText("10.0.0.66:53");
  await expect(drawer.locator('[data-field="kernel.bytes"]')).not.toHaveClass("differs");
  await page.screenshot({ path: screenshotPath("event-changed") });
});

test("containers are told, and what this page does not know is shown raw", async ({ page, weir }) => {
  const drawer = await show(page, weir, "8f2a", (event) => {
    event.process.container = { id: "8f2a", runtime: "docker", pod: null, shape: "round" };
    event.weather = { today: [1, 2] };
    event.msg.control = [{ level: "SOL_X", type: "0x7", len: 4, data: "01020304" }, { malformed: { at: 24, len: 9 } }];
    event.fields["msg.novel"] = { tags: ["NEW"], status: "odd", read: "entry" };
  });
  await expect(drawer.locator('[data-field="process.container.runtime"] .value')).toHaveText("docker");
  await expect(drawer.locator('[data-field="process.container.shape"] .value')).toHaveText("round");
  await expect(drawer.locator('[data-field="weather.today"] .value')).toHaveText("[1,2]");
  await expect(drawer.locator('[data-field="msg.novel"] .tag')).toHaveText("NEW");
  await expect(drawer.locator('[data-type="0x7"]')).toContainText("01020304");
  await expect(drawer.locator(".control .bad")).toHaveText("malformed at byte 24: it claims 9 bytes. The rest is not looked at.");
});

test("each mark has its line in the legend", async ({ page, weir }) => {
  const drawer = await show(page, weir, "wl-udp4");
  await drawer.getByText("What the marks mean").click();
  const legend = drawer.locator(".legend");
  for (const mark of ["K", "U", "TOCTOU", "OPT", "ok", "absent", "fault", "truncated", "not_seen", "entry", "exit"]) {
    await expect(legend.locator("dt").filter({ hasText: new RegExp(`^${mark}$`) })).toBeVisible();
  }
  await expect(drawer.locator(".fields .tag").first()).toHaveAttribute("title", /\S/);
});

type Change = (event: any) => void;

/** The newest event in which all these words occur; the list stands still then. */
async function find(page: Page, weir: Weir, words: string, change?: Change): Promise<Locator> {
  const row = page.locator(".event-body .event-row:visible").first();
  if (!page.url().includes("#/events") || change) {
    await calm(page, change);
    await open(page, weir, "events");
  }
  const search = page.getByRole("searchbox", { name: "Find" });
  await search.fill(words);
  await expect(async () => {
    if (await row.isVisible()) return;
    await page.reload();
    await search.fill(words);
    await expect(row).toBeVisible({ timeout: 2_000 });
  }).toPass();
  const pause = page.getByRole("button", { name: "Pause" });
  if (await pause.isVisible()) await pause.click();
  return row;
}

async function show(page: Page, weir: Weir, words: string, change?: Change): Promise<Locator> {
  await (await find(page, weir, words, change)).click();
  const drawer = page.getByRole("complementary");
  await expect(drawer).toBeVisible();
  return drawer;
}

/**
 * No live events, since the browser's own way of receiving them is traced as well and would drown what is looked for;
 * those that the host has kept instead, of which one of `wl-udp4` may be changed on its way to the page.
 */
async function calm(page: Page, change: Change = () => {}): Promise<void> {
  await page.route(/\/events\/stream\?/, (route) => route.fulfill({ contentType: "text/event-stream", body: "retry: 600000\n\n" }));
  await page.route(/\/api\/v1\/events\?/, async (route) => {
    const response = await route.fetch({ url: route.request().url().replace(/limit=\d+/, "limit=1000") });
    const body = await response.json();
    const event = body.events.find(({ process, msg }: any) => process.comm === "wl-udp4" && msg.name);
    if (event) change(event);
    await route.fulfill({ response, json: body });
  });
}
