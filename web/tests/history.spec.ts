import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page, Response } from "@playwright/test";
import { bundledScript, expect, open, screenshotPath, test, type Weir, withAnother } from "./weir";

// What the store remembers: tables over time, rows as they were, and what a restart keeps. A host writes a point of
// history every ten seconds, so the tests go along with one host, in an order in which they wait the least: what
// needs no host of its own comes while that one is stopped.

test.use({ flags: ["--store-every", "200ms"] });
test.describe.configure({ mode: "serial" });

const STEP_S = 10;
const KEY = ["wl-errors", "-"];
const NAME = "wl-errors · -";
/** When weir was stopped, and what it had counted. */
let stopped = 0;
let before = 0;

test("a step that is not over yet is no history", async ({ page, weir }) => {
  await open(page, weir, "tables");
  await page.getByLabel("Time range").selectOption({ label: "last 30 days" });
  await expect(page.locator(".no-history")).toHaveText("There is no history in this time yet: a step of 6 h is drawn when it is over.");
  await expect(page.locator("table.rows tbody tr").first()).toBeVisible();
});

test("a counter is drawn as the host tells it, with gaps where weir did not run", async ({ page, weir }) => {
  await stepIsOver(page, weir);
  const before = await total(page, weir);
  const answer = await seriesOf(page, weir, "latency", "calls");
  const { times, series, step_s: step } = await answer.json();
  const after = await total(page, weir);
  expect(step).toBe(STEP_S);
  // What the points add up to is what the table holds.
  const errors = series.find(({ key }: any) => key.join() === KEY.join()).values as (number | null)[];
  const sum = errors.reduce<number>((all, value) => all + (value ?? 0), 0);
  expect(sum).toBeGreaterThanOrEqual(before);
  expect(sum).toBeLessThanOrEqual(after);

  const figure = page.getByRole("figure", { name: "Added every 10 s" });
  await expect(figure.locator("canvas")).toBeVisible();
  await expect(figure.locator(".chart-legend li")).toHaveText(series.map(({ key }: any) => new RegExp(`^${key.join(" · ")} [\\d,]+$`)));
  await expect(page.locator(".hatched")).toBeVisible();
  await page.getByText("The figures as a table").click();
  const table = page.getByRole("table", { name: "figures over time" });
  await expect(table.getByRole("columnheader")).toHaveText(["from", ...series.map(({ key }: any) => key.join(" · "))]);
  const cells = await table.locator("tbody tr").evaluateAll((rows) => rows.map((row) => [row.querySelector("time")?.dateTime, ...Array.from(row.querySelectorAll("td"), (cell) => cell.textContent)]));
  const expected = (times as string[]).map((time, at) => {
    const values = series.map(({ values }: any) => values[at]) as (number | null)[];
    const running = at === times.length - 1;
    return [new Date(time).toISOString(), ...(values.every((value) => value === null) ? ["nothing is known"] : values.map((value) => (running || value === null ? "–" : value.toLocaleString("en-US"))))];
  });
  expect(cells).toEqual(expected.reverse());
  expect(cells.at(-1)?.[1]).toBe("nothing is known");
  await page.screenshot({ path: screenshotPath("table-series") });

  // The chosen row alone.
  const alone = page.waitForResponse((got) => got.url().includes("/series?") && new URL(got.url()).searchParams.get("key") === JSON.stringify(KEY));
  const row = page.locator("table.rows tbody tr", { hasText: NAME });
  await row.getByRole("button").click();
  await alone;
  await expect(row.getByRole("button")).toHaveAttribute("aria-pressed", "true");
  await expect(figure.locator(".chart-legend li")).toHaveText([new RegExp(`^${NAME}`)]);
});

test("a histogram has its quantiles and a heat map over time", async ({ page, weir }) => {
  const { series, times } = await (await seriesOf(page, weir, "latency", "duration")).json();
  const [{ key, p50, buckets, values }] = series;
  const quantiles = page.getByRole("figure", { name: `Quantiles of ${key.join(" · ")}, every 10 s` });
  await expect(quantiles.locator(".chart-legend li")).toHaveText([/^p50/, /^p90/, /^p99/]);
  // The same row below, as a whole.
  await expect(page.locator("figure.histogram figcaption")).toHaveText(key.join(" · "));
  await page.getByText("The figures as a table").click();
  const newest = page.getByRole("table", { name: "figures over time" }).locator("tbody tr").first();
  await expect(newest.locator("td").first()).toHaveText(p50.at(-1) === null ? "–" : /(ns|µs|ms)$/);

  const heat = page.getByRole("img", { name: /^heat map over time, from/ });
  await expect(heat).toHaveAccessibleName(/most are from [\d.]+ (ns|µs|ms) to [\d.]+ (ns|µs|ms)$/);
  const colours = await heat.evaluate((canvas: HTMLCanvasElement) => new Set(canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data.filter((_, at) => at % 4 === 0)).size);
  expect(colours).toBeGreaterThan(3);
  // Each value of a step is in a bucket of it; under the pointer, all that it says of one step is that.
  const last = times.length - 1;
  expect(buckets.counts[last].reduce((sum: number, one: number) => sum + one, 0)).toBe(values[last]);
  const caption = page.locator(".heat figcaption");
  const told = await heat.evaluate((canvas) => {
    const { right, top, height } = canvas.getBoundingClientRect();
    const texts = Array.from({ length: Math.floor(height) }, (_, y) => {
      canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: right - 3, clientY: top + y + 0.5 }));
      return canvas.closest("figure")?.querySelector("figcaption span")?.textContent?.split(" · ").at(-1) ?? "";
    });
    return [...new Set(texts)].reduce((sum, text) => sum + Number(text.split(": ").at(-1)?.replaceAll(",", "")), 0);
  });
  expect(told).toBe(values[last]);
  await heat.hover({ position: { x: 3, y: 20 } });
  await expect(caption).toContainText("nothing is known");
  await page.screenshot({ path: screenshotPath("table-heat"), fullPage: true });
});

test.describe("asked for a time before all history", () => {
  test.use({ expectedErrors: async ({}, use) => use([/status of 404/]) });

  test("rows are shown as they were then", async ({ page, weir }) => {
    const { times } = await (await seriesOf(page, weir, "latency", "calls")).json();
    const row = page.locator("table.rows tbody tr", { hasText: NAME });
    await expect(row).toBeVisible();
    // Of the newest step that is over: its beginning is the end of the one before.
    const at = times.at(-1) as string;
    await page.getByLabel("Rows as of").fill(await local(page, at));
    const then = await (await page.request.get(`${weir.origin}/api/v1/tables/latency/calls?at=${at}`)).json();
    const value = then.row_list.find(({ key }: any) => key.join() === KEY.join()).value as number;
    await expect(page.locator(".as-of time")).toHaveAttribute("datetime", then.at);
    await expect(async () => expect(await shown(row)).toBe(value)).toPass();
    expect(await total(page, weir)).toBeGreaterThan(value);
    await page.screenshot({ path: screenshotPath("table-at") });

    await page.getByLabel("Rows as of").fill(await local(page, "2020-01-01T00:00:00Z"));
    await expect(page.locator(".trouble")).toContainText("there is no history of table `calls` at that time");
    await expect(page.locator("table.rows tbody tr")).toHaveCount(0);
    await page.getByRole("button", { name: "Now", exact: true }).click();
    await expect(page.locator(".as-of")).toHaveCount(0);
    await expect(page.locator(".trouble")).toBeEmpty();
    await expect(async () => expect(await shown(row)).toBeGreaterThan(value)).toPass();

    // A click into the chart asks for the end of that step.
    const chart = page.locator(".time-chart .u-over");
    const box = await chart.boundingBox();
    await chart.click({ position: { x: (box?.width ?? 0) - 2, y: 60 } });
    await expect(page.locator(".as-of time")).toHaveAttribute("datetime", /Z$/);
  });
});

test.describe("when weir is stopped", () => {
  test.use({ expectedErrors: async ({}, use) => use([/^Failed to load resource: net::ERR_/, /net::ERR_INCOMPLETE_CHUNKED_ENCODING/]) });

  test("while weir is stopped the page keeps what it shows", async ({ page, weir }) => {
    await open(page, weir, "tables");
    await page.goto(`${weir.origin}/#/tables/latency/calls`);
    const row = page.locator("table.rows tbody tr", { hasText: NAME });
    await expect(row).toBeVisible();
    before = await total(page, weir);
    await weir.stop();
    stopped = Date.now() / 1e3;
    await expect(page.locator(".banner")).toContainText("Weir does not answer");
    await expect(row).toBeVisible();
  });
});

test("a database that is of no use is told of", async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), "weir-aside-"));
  await writeFile(join(folder, "store.db"), "this is no database".repeat(300));
  await withAnother(folder, [], async (link) => {
    await page.goto(link);
    await expect(page.getByRole("alert")).toContainText(new RegExp(`^The database of before was of no use and lies at ${folder}/store\\.db\\.aside-`));
    await page.goto("about:blank");
  });
  await rm(folder, { recursive: true });
});

test("a script that cannot come back is told of", async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), "weir-refused-"));
  await withAnother(folder, [], async (link) => {
    const { origin, hash } = new URL(link);
    const headers = { authorization: `Bearer ${hash.split("=")[1]}`, "content-type": "application/wasm" };
    const loaded = await page.request.put(`${origin}/api/v1/scripts/mine`, { headers, data: await readFile(bundledScript("errors")) });
    expect(loaded.status()).toBe(201);
  });
  await withAnother(folder, ["--script-bytes", "1000"], async (link) => {
    await page.goto(link);
    await expect(page.getByRole("alert")).toHaveText(/^Scripts of before that are not at work: mine \(.*--script-bytes.*\)\. They stay in the store\.$/);
    await page.goto("about:blank");
  });
  await rm(folder, { recursive: true });
});

test("without a store there is no history, and the page does not ask for any", async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), "weir-no-store-"));
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await withAnother(folder, ["-s", "latency", "--no-store"], async (link) => {
    await page.goto(link);
    await expect(page.getByRole("region", { name: "Host" })).toContainText("none: nothing survives a restart");
    await page.keyboard.press("4");
    await expect(page.locator("table.rows tbody tr").first()).toBeVisible();
    await expect(page.locator(".no-history")).toHaveText("No history is kept: weir runs with --no-store. The rows are as of now.");
    await expect(page.getByLabel("Time range")).toBeHidden();
    await page.goto("about:blank");
    expect(asked.filter((url) => url.includes("/series"))).toEqual([]);
  });
  await rm(folder, { recursive: true });
});

test("totals and history go on, and the time between is a gap", async ({ page, weir }) => {
  // A whole step without it, and what the host takes for a part of the step before.
  const whole = STEP_S * (Math.floor(stopped / STEP_S) + 1);
  await page.waitForTimeout(Math.max(0, (whole + STEP_S) * 1e3 + 500 - Date.now()));
  await weir.restart();
  const { times, series } = await (await seriesOf(page, weir, "latency", "calls")).json();
  const row = page.locator("table.rows tbody tr", { hasText: NAME });
  await expect(async () => expect(await shown(row)).toBeGreaterThan(before)).toPass();
  const values = series.find(({ key }: any) => key.join() === KEY.join()).values as (number | null)[];
  expect(values.reduce<number>((sum, value) => sum + (value ?? 0), 0)).toBeGreaterThan(before);
  const gap = times.findIndex((time: string) => Date.parse(time) / 1e3 === whole);
  expect(values[gap]).toBeNull();
  expect(values.slice(0, gap).some((value) => value !== null)).toBe(true);
  await page.getByText("The figures as a table").click();
  const missing = page.getByRole("table", { name: "figures over time" }).locator("tbody tr").filter({ has: page.locator(`time[datetime="${new Date(whole * 1e3).toISOString()}"]`) });
  await expect(missing).toContainText("nothing is known");
  await page.screenshot({ path: screenshotPath("table-gap") });

  await page.getByRole("navigation", { name: "views" }).getByRole("link", { name: "overview" }).click();
  const { store } = await (await page.request.get(`${weir.origin}/api/v1/status`)).json();
  const facts = page.getByRole("region", { name: "Host" });
  await expect(facts).toContainText(`${store.restored.tables} tables and 0 scripts, whole`);
  await expect(facts).toContainText(/store[\d.]+ [KM]iB of 1 GiB at most/);
  await expect(facts).toContainText(/last commit\d s ago/);
  expect(store.restored.tables).toBeGreaterThan(3);
  await expect(page.locator(".store-trouble")).toBeEmpty();
});

test("a topk, a rate, a gauge and a distinct are drawn in their own way", async ({ page, weir }) => {
  for (const [table, title, figure] of [
    ["bytes", "Added every 10 s", /(B|iB)$/],
    ["rate", "Per second, over 10 s each", /(B|iB)\/s$/],
    ["last", "Value, every 10 s", /(B|iB)$/],
    ["peers", "Value, every 10 s", /\d$/],
  ] as const) {
    const { series, step_s: step } = await (await seriesOf(page, weir, "talkers", table)).json();
    const first = page.getByRole("figure", { name: title }).locator(".chart-legend li").first();
    await expect(first).toContainText(series[0].key.join(" · "));
    await expect(first.locator("b")).toHaveText(figure);
    if (table !== "peers") continue;
    await expect(first.locator("b")).toHaveText(series[0].values.findLast((value: number | null) => value !== null).toLocaleString("en-US"));
    expect(step).toBe(STEP_S);
  }
});

test("a folder that another weir stores in is left to that one", async ({ page, weir }) => {
  await withAnother(weir.dataDir, [], async (link) => {
    await page.goto(link);
    await expect(page.getByRole("alert")).toContainText(/^Nothing is stored at the moment: .*another weir/);
    await expect(page.locator('[data-balance="holds"]')).toBeVisible();
    await page.screenshot({ path: screenshotPath("store-error") });
    await page.goto("about:blank");
  });
});

/** Until the host can tell of a whole step. */
async function stepIsOver(page: Page, weir: Weir): Promise<void> {
  await expect(async () => {
    const { series } = await (await page.request.get(`${weir.origin}/api/v1/tables/latency/calls/series?from=-5m&step=10s`)).json();
    expect((series[0]?.values ?? []).slice(0, -1).some((value: number | null) => value !== null)).toBe(true);
  }).toPass({ intervals: [250], timeout: 3 * STEP_S * 1e3 });
}

/** Turns to a table's last five minutes; the answer that is drawn. */
async function seriesOf(page: Page, weir: Weir, script: string, table: string): Promise<Response> {
  if (!page.url().startsWith(weir.origin)) {
    await open(page, weir, "tables");
    await page.getByLabel("Time range").selectOption({ label: "last 5 minutes" });
  }
  const answer = page.waitForResponse((got) => got.url().includes(`/${script}/${table}/series?from=-5m`));
  await page.goto(`${weir.origin}/#/tables/${script}/${table}`);
  const got = await answer;
  await expect(page.locator(".time-chart .chart-legend b").first()).toHaveText(/\d/);
  return got;
}

async function total(page: Page, weir: Weir): Promise<number> {
  const { row_list: rows } = await (await page.request.get(`${weir.origin}/api/v1/tables/latency/calls`)).json();
  return rows.find(({ key }: any) => key.join() === KEY.join()).value;
}

/** The value in a row, without its share. */
function shown(row: Locator): Promise<number> {
  return row.locator("td").first().evaluate((cell) => Number(cell.firstChild?.textContent?.replaceAll(",", "")));
}

/** A time as the reader's clock has it. */
function local(page: Page, time: string): Promise<string> {
  return page.evaluate((text) => {
    const date = new Date(text);
    return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  }, time);
}
