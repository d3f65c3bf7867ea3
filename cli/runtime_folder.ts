/** Keeps a graphics library from complaining on standard error, as the first thing that a user sees. */

/**
 * Gives the process a runtime folder where it has none, as in containers and over SSH: without one, libwayland, which Mesa's
 * drivers load, prints an error that concerns nobody who only computes. The folder is removed at the end of the process.
 */
export function provideRuntimeFolder(): void {
  if (Deno.build.os !== "linux") return;
  try {
    if (Deno.env.has("XDG_RUNTIME_DIR")) return;
    const folder = Deno.makeTempDirSync({ prefix: "residua-runtime-" });
    Deno.env.set("XDG_RUNTIME_DIR", folder);
    addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  } catch {
    // Without the folder the library complains, and all else works.
  }
}
