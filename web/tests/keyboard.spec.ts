import { expect, open, test } from "./weir";

test("keys lead through the views, and a list of them is one key away", async ({ page, weir }) => {
  await open(page, weir, "overview");
  for (const [key, view] of [["2", "Scripts"], ["3", "Events"], ["4", "Tables"], ["1", "Overview"]] as const) {
    await page.keyboard.press(key);
    await expect(page).toHaveTitle(`${view} · Weir`);
  }
  await page.keyboard.press("3");
  await expect(page).toHaveTitle("Events · Weir");
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard" });
  await expect(help).toContainText("pause, and go on");
  // Keys do nothing behind a dialog.
  await page.keyboard.press("1");
  await expect(page).toHaveTitle("Events · Weir");
  await page.keyboard.press("Escape");
  await expect(help).toHaveCount(0);

  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Filter" })).toBeFocused();
  await page.keyboard.type("12?");
  await expect(page.getByRole("searchbox", { name: "Filter" })).toHaveValue("12?");
  await expect(page).toHaveTitle("Events · Weir");
  await page.getByRole("searchbox", { name: "Filter" }).clear();
  await page.getByRole("grid").focus();
  await page.keyboard.press("p");
  await expect(page.locator(".live")).toHaveText("paused");
  await page.keyboard.press("p");
  await expect(page.locator(".live")).toHaveText("live");
});

test("what has the focus is seen, from the first Tab on", async ({ page, weir }) => {
  await open(page, weir, "scripts");
  await expect(page.locator(".card").first()).toBeVisible();
  await page.reload();
  await expect(page.locator(".card").first()).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  for (let at = 0; at < 12; at += 1) {
    const outline = await page.evaluate(() => {
      const element = document.activeElement;
      // The file's own input is nothing to see: its label is marked instead.
      const shown = element?.matches(".sr-only") ? element.nextElementSibling : element;
      return shown ? getComputedStyle(shown).outlineStyle : "none";
    });
    expect(outline).not.toBe("none");
    await page.keyboard.press("Tab");
  }
});

test("colours go by the system until the reader chooses, and the choice is kept", async ({ page, weir }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await open(page, weir, "overview");
  const html = page.locator("html");
  await expect(html).toHaveAttribute("data-theme", "dark");
  await page.emulateMedia({ colorScheme: "light" });
  await expect(html).toHaveAttribute("data-theme", "light");
  await page.keyboard.press("t");
  await page.keyboard.press("t");
  await expect(page.getByRole("button", { name: "colours: dark" })).toBeVisible();
  await expect(html).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(html).toHaveAttribute("data-theme", "dark");
  const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  expect(ground).toBe("rgb(13, 20, 25)");
});
