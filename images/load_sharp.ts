/** Loads sharp, which is native code (libvips), with the first image that needs it: nothing else does. */

import { DataError } from "../core/mod.ts";
import { whyNotLoaded } from "../files/mod.ts";
import type { default as Sharp } from "./sharp.ts";

/** No literal where it is imported: Deno would fetch the package for every command, before any of them runs. */
const SHARP = "./sharp.ts";

/**
 * Sharp, as a function of an image's bytes.
 *
 * @throws {DataError} If the package cannot be had, has no build for this machine, or may not be loaded.
 */
export async function loadSharp(): Promise<typeof Sharp> {
  try {
    return (await import(SHARP) as typeof import("./sharp.ts")).default;
  } catch (error) {
    throw new DataError(`Image files cannot be read or written: ${whyNotLoaded(error)}`);
  }
}
