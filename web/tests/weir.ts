import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test as base, expect, type Page } from "@playwright/test";

// The real binary with real traffic: the page is tested as it is served.

const WEB = resolve(import.meta.dirname, "..");
export const BINARY = resolve(WEB, process.env["WEIR_BIN"] ?? "../target/release/weir");
const SCRIPTS = resolve(WEB, process.env["WEIR_SCRIPTS"] ?? "../target/scripts");
/** Files to serve instead of those in the binary, while one works on the page. */
const PAGE = process.env["WEIR_PAGE"];
const PIPELINES = ["service | latency", "errors", "destinations", "talkers"];
const CALLS = "sendmsg,sendto,recvmsg,sendfile,sendmmsg,recvmmsg,recvfrom";
/** No inline script or style, nothing from elsewhere: the page must do with less than the host allows. */
const STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES: Record<string, string> = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
const LINK = /http:\/\/127\.0\.0\.1:\d+\/#token=\S+/;
const START_MS = 60_000;

export interface Weir {
  /** With the token, as `weir run` printed it. */
  link: string;
  /** Without. */
  origin: string;
  /** Where it keeps its token and its store. */
  dataDir: string;
  /** At the same address, with the same folder. */
  restart: (more?: string[]) => Promise<void>;
  stop: () => Promise<void>;
}

interface Fixtures {
  /** Console errors that a test provokes: the browser itself reports a request that was refused. */
  expectedErrors: RegExp[];
}

export const test = base.extend<Fixtures, { weir: Weir; calls: string; pipelines: string[]; flags: string[] }>({
  calls: [CALLS, { option: true, scope: "worker" }],
  pipelines: [PIPELINES, { option: true, scope: "worker" }],
  flags: [[], { option: true, scope: "worker" }],

  weir: [
    async ({ calls, pipelines, flags }, use) => {
      const dataDir = await mkdtemp(join(tmpdir(), "weir-page-"));
      const all = [...pipelines.flatMap((pipeline) => ["-s", pipeline]), "--calls", calls, "--payload", "64", "--show-payload", ...flags];
      const host = await startHost(["--listen", "127.0.0.1:0", "--data-dir", dataDir, ...all]);
      const weir = {
        link: host.link,
        origin: new URL(host.link).origin,
        dataDir,
        async restart(more: string[] = []) {
          await interrupt(host.process);
          Object.assign(host, await startHost(["--listen", new URL(host.link).host, "--data-dir", dataDir, ...all, ...more]));
          weir.link = host.link;
        },
        stop: () => interrupt(host.process),
      };
      const traffic = keepTraffic();
      await use(weir);
      await traffic.stop();
      await interrupt(host.process);
      await rm(dataDir, { recursive: true, force: true });
    },
    { scope: "worker", timeout: START_MS + 10_000 },
  ],

  expectedErrors: async ({}, use) => {
    await use([]);
  },

  page: async ({ page, expectedErrors }, use) => {
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(error.message));
    await strictly(page);
    await use(page);
    // What the page still asks for when a test ends is answered by nobody.
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.context().unrouteAll({ behavior: "ignoreErrors" });
    expect(errors.filter((text) => !expectedErrors.some((expected) => expected.test(text)))).toEqual([]);
  },
});

export { expect };

export async function open(page: Page, weir: Weir, view: "overview" | "scripts" | "events" | "tables"): Promise<void> {
  await page.goto(weir.link);
  await page.getByRole("navigation", { name: "views" }).getByRole("link", { name: view }).click();
  await expect(page).toHaveURL((url) => url.href.startsWith(`${weir.origin}/#/${view}`));
}

/** A further one beside the fixture's, while `use` runs. */
export async function withAnother(dataDir: string, flags: string[], use: (link: string) => Promise<void>): Promise<void> {
  const { process, link } = await startHost(["--listen", "127.0.0.1:0", "--data-dir", dataDir, ...flags]);
  try {
    await use(link);
  } finally {
    await interrupt(process);
  }
}

/** Serves the page's own files with the strictest policy that it is to work under. */
async function strictly(page: Page): Promise<void> {
  await page.context().route(({ hostname, pathname }) => hostname === "127.0.0.1" && !pathname.startsWith("/api/"), async (route) => {
    const headers = { "content-security-policy": STRICT };
    if (!PAGE) {
      const response = await route.fetch().catch(() => null);
      if (!response) return route.abort();
      return route.fulfill({ response, headers: { ...response.headers(), ...headers } });
    }
    const { pathname } = new URL(route.request().url());
    const name = pathname === "/" ? "/index.html" : pathname;
    const body = await readFile(join(resolve(WEB, PAGE), name));
    return route.fulfill({ body, headers, contentType: TYPES[name.split(".").at(-1) ?? ""] ?? "text/plain" });
  });
}

export function bundledScript(name: string): string {
  return join(SCRIPTS, `${name}.wasm`);
}

export function screenshotPath(name: string): string {
  return join(WEB, "test-results", `${name}.png`);
}

async function startHost(flags: string[]): Promise<{ process: ChildProcess; link: string }> {
  const process = spawn(BINARY, ["run", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  return { process, link: await printedLink(process) };
}

async function printedLink(host: ChildProcess): Promise<string> {
  let output = "";
  let complaints = "";
  host.stderr?.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  return new Promise((found, fail) => {
    const why = (text: string) => new Error(`${text}\nstdout: ${output}\nstderr: ${complaints}`);
    const timer = setTimeout(() => fail(why(`${BINARY} run printed no link in ${START_MS} ms`)), START_MS);
    host.once("error", fail);
    const ended = (code: number | null) => fail(why(`${BINARY} run ended with ${code} before it printed a link`));
    host.once("exit", ended);
    host.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const link = LINK.exec(output)?.[0];
      if (!link) return;
      clearTimeout(timer);
      // Not all listeners: that would take Node's own as well, and no exit would be seen.
      host.off("exit", ended);
      found(link);
    });
  });
}

/** One workload lasts 30 s; the tests together may take longer. */
function keepTraffic(): { stop: () => Promise<void> } {
  let stopped = false;
  let workload: ChildProcess;
  const start = () => {
    workload = spawn(BINARY, ["workload", "--seconds", "30"], { stdio: "ignore" });
    workload.once("exit", (code) => !stopped && code === 0 && start());
  };
  start();
  return {
    async stop() {
      stopped = true;
      await interrupt(workload);
    },
  };
}

async function interrupt(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGINT");
  await ended;
}
