import type { Script } from "../api/shapes";
import { h } from "../dom/element";
import { errorNotice, goodNotice } from "../dom/notice";
import { bytes } from "../format/quantity";
import { makeChange } from "../host/change";

export interface Upload {
  element: HTMLElement;
  /** The names decide whether an upload loads or swaps. */
  know: (scripts: Script[], pipelines: string[]) => void;
  take: (file: File) => void;
}

export function upload(onLoaded: () => void): Upload {
  let file: File | null = null;
  let scripts: Script[] = [];
  let busy = false;

  const picker = h("input", { type: "file", id: "wasm-file", accept: ".wasm,application/wasm", class: "sr-only" });
  const zone = h(
    "div",
    { class: "drop-zone" },
    h("p", null, h("b", null, "Drop a .wasm here"), " or ", picker, h("label", { for: "wasm-file", class: "button" }, "choose a file")),
    h("p", { class: "subdued" }, "A WebAssembly core module, in any language. ", h("code", null, "docs/scripting.md"), " tells how to write one."),
  );
  const fileFacts = h("p", { class: "file-facts" });
  const name = h("input", { id: "upload-name", required: true, autocomplete: "off", spellcheck: "false" });
  const names = h("datalist", { id: "pipeline-names" });
  const pipeline = h("input", { id: "upload-pipeline", autocomplete: "off", spellcheck: "false", list: "pipeline-names", placeholder: "optional" });
  const params = h("textarea", { id: "upload-params", rows: 2, spellcheck: "false", placeholder: '{"min": "10ms"}' });
  const meaning = h("p", { class: "meaning", "aria-live": "polite" });
  const submit = h("button", { type: "submit", class: "primary" }, "Load");
  const cancel = h("button", { type: "button" }, "Cancel");
  const form = h(
    "form",
    { class: "upload-form", hidden: true, "aria-label": "load a script" },
    fileFacts,
    h("div", { class: "field" }, h("label", { for: "upload-name" }, "Name"), name),
    h("div", { class: "field" }, h("label", { for: "upload-pipeline" }, "Pipeline"), pipeline, names),
    h("div", { class: "field wide" }, h("label", { for: "upload-params" }, "Parameters, as JSON"), params),
    meaning,
    h("div", { class: "actions" }, submit, cancel),
  );
  const outcome = h("div", { class: "outcome" });
  const element = h("section", { class: "panel upload", "aria-label": "upload" }, zone, form, outcome);

  const explain = () => {
    const present = scripts.find((script) => script.name === name.value.trim());
    submit.textContent = busy ? "Loading…" : present ? "Swap" : "Load";
    submit.disabled = busy;
    meaning.textContent = present
      ? `${present.name} ${present.version} is loaded: this swaps it between two batches. Its tables stay and no event is lost.`
      : "Loads it under a new name, while everything else goes on.";
  };
  const close = () => {
    file = null;
    form.hidden = true;
    picker.value = "";
  };
  const take = (taken: File) => {
    file = taken;
    fileFacts.replaceChildren(h("b", null, taken.name), ` ${bytes(taken.size)}`);
    name.value = taken.name.replace(/\.wasm$/i, "");
    outcome.replaceChildren();
    form.hidden = false;
    explain();
    name.focus();
  };
  const send = async () => {
    if (!file || busy) return;
    outcome.replaceChildren();
    busy = true;
    explain();
    try {
      const path = `/scripts/${encodeURIComponent(name.value.trim())}${query(pipeline.value, params.value)}`;
      const done = await makeChange<Script>(path, { method: "PUT", body: file, contentType: "application/wasm" });
      if (!done) return;
      outcome.replaceChildren(goodNotice(`${done.status === 201 ? "Loaded" : "Swapped"} ${done.value.name} ${done.value.version}.`));
      close();
      onLoaded();
    } catch (error) {
      outcome.replaceChildren(errorNotice(error));
    } finally {
      busy = false;
      explain();
    }
  };

  picker.addEventListener("change", () => picker.files?.[0] && take(picker.files[0]));
  name.addEventListener("input", explain);
  cancel.addEventListener("click", close);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send();
  });

  return {
    element,
    take,
    know(nowLoaded, pipelines) {
      scripts = nowLoaded;
      const known = Array.from(names.children, (option) => option.getAttribute("value"));
      if (known.join() !== pipelines.join()) names.replaceChildren(...pipelines.map((value) => h("option", { value })));
      explain();
    },
  };
}

function query(pipeline: string, params: string): string {
  const search = new URLSearchParams();
  if (pipeline.trim()) search.set("pipeline", pipeline.trim());
  if (params.trim()) search.set("params", compactJson(params));
  return search.size > 0 ? `?${search}` : "";
}

function compactJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (cause) {
    throw new Error(`the parameters are not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
