import { spawn } from "node:child_process";
import { once } from "node:events";
import { BINARY, expect, open, test } from "./weir";

test.use({ calls: "sendmsg", pipelines: ["latency"] });

test("the list goes on at a thousand rows a second", async ({ page, weir }) => {
  await open(page, weir, "events");
  const rows = page.locator(".event-body .event-row");
  await expect(rows.first()).toBeVisible();
  const flood = spawn(BINARY, ["workload", "--seconds", "10", "--rate", "1500", "--only", "udp4,udp6"], { stdio: "ignore" });
  const ended = once(flood, "exit");
  const rate = async () => (await page.request.get(`${weir.origin}/api/v1/ledger`)).json().then(({ seen }) => seen as number);
  const before = await rate();
  const figures = await page.evaluate(async () => {
    const body = document.querySelector(".event-body");
    let drawings = 0;
    let longest = 0;
    let frames = 0;
    let last = performance.now();
    new MutationObserver(() => (drawings += 1)).observe(body as Element, { subtree: true, childList: true, characterData: true, attributes: true });
    const begun = last;
    await new Promise<void>((done) =>
      requestAnimationFrame(function frame(now) {
        longest = Math.max(longest, now - last);
        last = now;
        frames += 1;
        if (now - begun > 4_000) done();
        else requestAnimationFrame(frame);
      }),
    );
    return { drawings, longest: Math.round(longest), frames, nodes: body?.children.length ?? 0 };
  });
  const seen = (await rate()) - before;
  test.info().annotations.push({ type: "smooth", description: JSON.stringify({ ...figures, seen, seconds: 4 }) });
  // Whatever comes, only what is in sight is there, and it is drawn again and again.
  expect(seen).toBeGreaterThan(4_000);
  expect(figures.nodes).toBeLessThan(80);
  expect(figures.drawings).toBeGreaterThan(10);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.locator(".live")).toHaveText("paused");
  await expect(page.locator(".waiting")).toHaveText(/[1-9][\d,]* new since the pause/);
  flood.kill("SIGINT");
  await ended;
});
