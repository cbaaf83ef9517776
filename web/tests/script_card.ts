import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Locator, Page } from "@playwright/test";
import type { Weir } from "./weir";

export function card(page: Page, name: string): Locator {
  return page.getByRole("article", { name: `script ${name}`, exact: true });
}

export async function about(page: Page, weir: Weir, name: string): Promise<any> {
  return (await page.request.get(`${weir.origin}/api/v1/scripts/${name}`)).json();
}

/** As a reader drops a file from another window. */
export async function dropOn(page: Page, target: Locator, file: string | Buffer, name = typeof file === "string" ? basename(file) : "module.wasm"): Promise<void> {
  const bytes = typeof file === "string" ? await readFile(file) : file;
  const dataTransfer = await page.evaluateHandle(
    ([base64, called]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))], called, { type: "application/wasm" }));
      return transfer;
    },
    [bytes.toString("base64"), name] as const,
  );
  await target.dispatchEvent("dragover", { dataTransfer });
  await target.dispatchEvent("drop", { dataTransfer });
}
