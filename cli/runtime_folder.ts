/** Keeps a graphics library from complaining on standard error, as the first thing that a user sees. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/**
 * Gives the process a runtime folder where it has none, as in containers and over SSH: without one, libwayland, which Mesa's
 * drivers load, prints an error that concerns nobody who only computes. The folder is removed at the end of the process.
 */
export function provideRuntimeFolder(): void {
  if (process.platform !== "linux") return;
  try {
    if (process.env.XDG_RUNTIME_DIR !== undefined) return;
    const folder = mkdtempSync(join(tmpdir(), "residua-runtime-"));
    process.env.XDG_RUNTIME_DIR = folder;
    const remove = () => rmSync(folder, { recursive: true, force: true });
    // `Deno.exit` is heard of by the one, `process.exit` by the other.
    if ("Deno" in globalThis) addEventListener("unload", remove);
    else process.on("exit", remove);
  } catch {
    // Without the folder the library complains, and all else works.
  }
}
