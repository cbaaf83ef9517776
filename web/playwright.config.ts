import { defineConfig } from "@playwright/test";

// Debian's chromium, with nothing that looks for a network or a GPU.
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  // One weir at a time: each host traces the whole machine, and the figures should be one test's own.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    viewport: { width: 1280, height: 800 },
    colorScheme: "light",
    launchOptions: { executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ARGS },
  },
  projects: [
    { name: "page", testIgnore: "screenshot*.spec.ts" },
    { name: "screenshot", testMatch: "screenshot*.spec.ts" },
  ],
});
