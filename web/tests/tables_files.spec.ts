import type { Page } from "@playwright/test";
import { expect, test } from "./weir";

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
