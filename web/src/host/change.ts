import { ApiError, type Change, change } from "../api/client";
import { ensureToken } from "./token_dialog";

/** Makes a change, asking for the token where there is none or the host refuses it. Null: the reader gave up. */
export async function makeChange<T>(path: string, what: Change): Promise<{ status: number; value: T } | null> {
  if (!(await ensureToken())) return null;
  for (;;) {
    try {
      return await change<T>(path, what);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      if (!(await ensureToken(`${error.message} (${error.code})`))) return null;
    }
  }
}
