import { gzipSync } from "node:zlib";
import { expect, test } from "./weir";

const MOST_BYTES = 150_000;

test("the first load is light, and asks nobody else for anything", async ({ page, weir, context }) => {
  const asked: string[] = [];
  const files = new Map<string, number>();
  context.on("request", (request) => asked.push(request.url()));
  page.on("response", (response) => {
    if (new URL(response.url()).pathname.startsWith("/api/")) return;
    void response.body().then((body) => files.set(response.url(), gzipSync(body).length), () => undefined);
  });
  await page.goto(weir.link);
  await expect(page.locator("svg.flow")).toBeVisible();
  for (const view of ["scripts", "events", "tables"]) {
    await page.getByRole("navigation", { name: "views" }).getByRole("link", { name: view }).click();
    await expect(page).toHaveTitle(new RegExp(`^${view} ·`, "i"));
  }
  const names = [...files.keys()].map((url) => new URL(url).pathname);
  expect(names).toContainEqual("/");
  expect(names.some((name) => name.endsWith(".js"))).toBe(true);
  expect(names.some((name) => name.endsWith(".css"))).toBe(true);
  const bytes = [...files.values()].reduce((sum, one) => sum + one, 0);
  test.info().annotations.push({ type: "weight", description: `${bytes} bytes in ${files.size} files, compressed` });
  expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
  expect(asked.filter((url) => !url.startsWith(`${weir.origin}/`) && !url.startsWith("blob:"))).toEqual([]);
});

test("nothing in its files is inline, or from elsewhere", async ({ request, weir }) => {
  const html = await (await request.get(`${weir.origin}/`)).text();
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
  for (const [, url] of html.matchAll(/(?:src|href)="([^"]+)"/g)) expect(url).toMatch(/^\//);
});
