/** Stops a run from the page, for who knows the token that the terminal printed. */

import { createHash, timingSafeEqual } from "node:crypto";
import { normalize } from "node:path";
import { lockState } from "../../files/mod.ts";
import { STOP_REQUEST } from "../stop_request.ts";
import { RequestError } from "./answers.ts";
import { runFile } from "./find_runs.ts";
import type { Run } from "./run.ts";

/** A token that nobody guesses: 80 bits, as people copy them. */
export function createToken(): string {
  const digits = [...crypto.getRandomValues(new Uint8Array(10))].map((byte) => byte.toString(16).padStart(2, "0"));
  return digits.join("").replace(/.{5}(?=.)/g, "$&-");
}

/** Whether a token is the right one, in a time that tells nothing of it. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a, b);
}

/**
 * What asks runs to stop.
 *
 * @param root The folder of runs, as the system names it.
 * @param folder The same as it was given, which is what may be written to.
 * @param token What the asker must know.
 */
export function runStopper(root: string, folder: string, token: string): (run: Run, token: string) => Promise<object> {
  return async ({ path }, given) => {
    if (!isSame(given.trim(), token)) {
      throw new RequestError(403, "That is not the token; the terminal printed it when the dashboard began");
    }
    const lock = await runFile(root, path, "run.lock");
    if (lock === undefined || await lockState(lock) === "free") {
      throw new RequestError(409, `${path} is not going on`);
    }
    // The folder may be another by now, or a link elsewhere.
    const place = path === "." ? root : `${root}/${path}`;
    if (await Deno.realPath(place) !== normalize(place)) throw new RequestError(409, `${path} is not there any more`);
    try {
      // Of a new file alone, since one that is there may be a link.
      (await Deno.open(`${folder}/${path}/${STOP_REQUEST}`, { write: true, createNew: true })).close();
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return {};
      throw new RequestError(409, `${path} cannot be asked to stop: ${(error as Error).message}`);
    }
    return {};
  };
}
