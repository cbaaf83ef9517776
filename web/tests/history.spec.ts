import type { Page } from "@playwright/test";
import { expect, open, screenshotPath, test } from "./weir";

// Tables over time. The figures of the series are made here, since a host writes one point every ten seconds.

const POINTS = 60;

test("a counter's largest rows are drawn over the time that is chosen, and the chosen row alone", async ({ page, weir }) => {
  const asked = await withHistory(page);
  await open(page, weir, "tables");
  const figure = page.getByRole("figure", { name: "Added every 10 s" });
  await expect(figure.locator("canvas")).toBeVisible();
  await expect(figure.locator(".chart-legend li")).toHaveCount(2);
  await expect(figure.locator(".chart-legend b").first()).toHaveText(/\d/);
  expect(asked.at(-1)?.get("from")).toBe("-15m");
  await page.getByLabel("Time range").selectOption({ label: "last 6 hours" });
  await expect(async () => expect([asked.at(-1)?.get("from"), asked.at(-1)?.get("step")]).toEqual(["-6h", "5m"])).toPass();
  const row = page.locator("table.rows tbody tr").first();
  const name = (await row.locator(".key-text").innerText()).trim();
  await row.getByRole("button").click();
  await expect(async () => expect(asked.at(-1)?.get("key")).toBe(JSON.stringify([name]))).toPass();
  await expect(row.getByRole("button")).toHaveAttribute("aria-pressed", "true");
  await page.screenshot({ path: screenshotPath("table-series") });
});

test("a histogram has its quantiles and a heat map over time", async ({ page, weir }) => {
  const asked = await withHistory(page);
  await open(page, weir, "tables");
  await page.getByRole("navigation", { name: "tables" }).locator('[data-kind="histogram"]').first().click();
  const quantiles = page.getByRole("figure", { name: /^Quantiles of/ });
  await expect(quantiles.locator(".chart-legend li")).toHaveText([/^p50/, /^p90/, /^p99/]);
  const heat = page.getByRole("img", { name: /^heat map over time, from/ });
  await expect(heat).toBeVisible();
  await expect(heat).toHaveAccessibleName(/most are from [\d.]+ (ns|µs|ms) to [\d.]+ (ns|µs|ms)$/);
  expect(asked.at(-1)?.get("heat")).toBe("true");
  // What is drawn is not one colour.
  const colours = await heat.evaluate((canvas: HTMLCanvasElement) => new Set(canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data.filter((_, at) => at % 4 === 0)).size);
  expect(colours).toBeGreaterThan(3);
  await heat.hover({ position: { x: 200, y: 75 } });
  await expect(page.locator(".heat figcaption")).toContainText(/: [\d,]+$/);
  await expect(page.locator("figure.histogram line.quantile")).toHaveCount(3);
  await page.screenshot({ path: screenshotPath("table-heat"), fullPage: true });
});

test("where there is no history, the page says so", async ({ page, weir }) => {
  await page.route(/\/series\?/, (route) => route.fulfill({ status: 404, json: { code: "not_found", message: "there is nothing here" } }));
  await open(page, weir, "tables");
  await expect(page.locator(".no-history")).toContainText("keeps no history of its tables");
  await expect(page.locator("table.rows tbody tr").first()).toBeVisible();
});

test("rows are searched", async ({ page, weir }) => {
  await page.goto(`${weir.link}`);
  await page.goto(`${weir.origin}/#/tables/latency/calls`);
  const rows = page.locator("table.rows tbody tr");
  await expect(rows.nth(4)).toBeVisible();
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Search" })).toBeFocused();
  await page.keyboard.type("WL-TCP4");
  await expect(rows).toHaveText([/^wl-tcp4/]);
  await page.getByRole("searchbox", { name: "Search" }).fill("is-called-so-by-nobody");
  await expect(page.getByText("No row has these words in its labels.")).toBeVisible();
});

test("all rows come as a file, for a spreadsheet or a program", async ({ page, weir }) => {
  await page.goto(weir.link);
  await page.goto(`${weir.origin}/#/tables/latency/duration`);
  await expect(page.locator("table.rows tbody tr").first()).toBeVisible();
  const csv = await downloaded(page, "CSV");
  expect(csv.name).toBe("latency.duration.csv");
  const [head, ...lines] = csv.text.trimEnd().split("\r\n");
  expect(head).toBe("process,service,count,sum,min,max,mean,p50,p90,p99,p999");
  expect(lines.length).toBeGreaterThan(4);
  for (const line of lines) expect(line.split(",")).toHaveLength(11);
  const json = await downloaded(page, "JSON");
  expect(json.name).toBe("latency.duration.json");
  const table = JSON.parse(json.text);
  expect([table.script, table.table, table.kind]).toEqual(["latency", "duration", "histogram"]);
  expect(table.row_list[0]).toHaveProperty("buckets");
});

async function downloaded(page: Page, button: string): Promise<{ name: string; text: string }> {
  const began = page.waitForEvent("download");
  await page.getByRole("button", { name: button, exact: true }).click();
  const download = await began;
  const parts: Buffer[] = [];
  for await (const part of await download.createReadStream()) parts.push(part as Buffer);
  return { name: download.suggestedFilename(), text: Buffer.concat(parts).toString() };
}

/** Answers for the store, in the shape of the API; returns what was asked for. */
async function withHistory(page: Page): Promise<URLSearchParams[]> {
  const asked: URLSearchParams[] = [];
  await page.route(/\/series\?/, async (route) => {
    const { pathname, searchParams } = new URL(route.request().url());
    asked.push(searchParams);
    const [script, table] = pathname.split("/").slice(4, 6);
    const head = await (await page.request.get(`${new URL(route.request().url()).origin}/api/v1/tables/${script}/${table}?limit=2`)).json();
    const now = Date.now();
    const times = Array.from({ length: POINTS }, (_, at) => new Date(now - (POINTS - at) * 10_000).toISOString());
    const wave = (at: number, size: number) => Math.round(size * (1.5 + Math.sin(at / 6)));
    const keys: string[][] = searchParams.has("key") ? [JSON.parse(searchParams.get("key") ?? "[]")] : head.row_list.map((row: any) => row.key);
    const bounds = Array.from({ length: 40 }, (_, at) => Math.round(500 * 1.3 ** at));
    const series = keys.map((key, nth) => ({
      key,
      values: times.map((_, at) => (at === 7 ? null : wave(at, 1000 / (nth + 1)))),
      ...(head.kind === "histogram" ? { p50: times.map((_, at) => wave(at, 2_000)), p90: times.map((_, at) => wave(at, 6_000)), p99: times.map((_, at) => wave(at, 30_000)), buckets: { bounds, counts: times.map((_, at) => bounds.slice(1).map((_, row) => Math.round(200 * Math.exp(-((row - 9 - 3 * Math.sin(at / 6)) ** 2) / 12)))) } } : {}),
    }));
    const { kind, labels, unit } = head;
    await route.fulfill({ json: { script, table, kind, labels, unit, from: times[0], to: times.at(-1), step_s: 10, times, series } });
  });
  return asked;
}
