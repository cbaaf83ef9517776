import { expect, open, test } from "./weir";

test.use({ expectedErrors: async ({}, use) => use([/^Failed to load resource: net::ERR_/]) });

test("a banner tells that the host does not answer, and goes when it does again", async ({ page, weir }) => {
  await open(page, weir, "overview");
  await expect(page.locator("svg.flow")).toBeVisible();
  await page.route("**/api/v1/**", (route) => route.abort());
  await expect(page.locator(".banner")).toContainText("Weir does not answer");
  await page.unroute("**/api/v1/**");
  await expect(page.locator(".banner")).toBeHidden();
});
