import type { Script } from "../api/shapes";
import { confirm } from "../dom/confirm";
import { makeChange } from "../host/change";
import { limitChanges } from "./limits_form";
import { paramChanges, resetToDefaults } from "./params_form";

// What the buttons and forms of a card do. Each tells what came of it, or null where nothing did.

export async function turn({ name }: Script, enabled: boolean): Promise<string | null> {
  const done = await patch(`/scripts/${encodeURIComponent(name)}`, { enabled });
  return done ? (enabled ? `${name} is at work again.` : `${name} is disabled: events pass it by.`) : null;
}

export async function remove({ name }: Script): Promise<string | null> {
  if (!(await confirm(`Delete ${name}?`, "It leaves its pipelines at once, and its tables go with it. To have it back, load its .wasm again.", "Delete"))) return null;
  await makeChange(`/scripts/${encodeURIComponent(name)}`, { method: "DELETE" });
  return null;
}

export async function applyParams({ name, describe, params }: Script, form: HTMLFormElement): Promise<string | null> {
  const changes = paramChanges(form, describe.params, params);
  const names = Object.keys(changes);
  if (names.length === 0) return "Nothing is other than it was.";
  return (await patch(`/scripts/${encodeURIComponent(name)}`, { params: changes })) ? `Set ${names.join(", ")}.` : null;
}

export function defaultParams({ describe }: Script, form: HTMLFormElement): void {
  resetToDefaults(form, describe.params);
}

export async function applyLimits({ name, limits }: Script, form: HTMLFormElement): Promise<string | null> {
  const changes = limitChanges(form, limits);
  const names = Object.keys(changes);
  if (names.length === 0) return "Nothing is other than it was.";
  return (await patch(`/scripts/${encodeURIComponent(name)}/limits`, changes)) ? `Set ${names.join(", ")}.` : null;
}

export async function reorder(pipeline: string, scripts: string[]): Promise<boolean> {
  return patch(`/pipelines/${encodeURIComponent(pipeline)}`, { scripts });
}

/** Whether it was made: the reader may have kept the token for himself. */
async function patch(path: string, body: unknown): Promise<boolean> {
  return (await makeChange(path, { method: "PATCH", body: JSON.stringify(body), contentType: "application/json" })) !== null;
}
