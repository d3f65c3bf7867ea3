/** The implementations of WebGPU that a command may use, by the name that --gpu gives them. */

import { DeviceError } from "../../core/mod.ts";
import { whyNotLoaded } from "../../files/mod.ts";

/** The names: Deno's own, and Dawn's, Chromium's. */
export const GPU_NAMES = ["deno", "dawn"] as const;

/**
 * Dawn offers subgroup matrices only beside what it calls unsafe, none of which is asked for otherwise; and rounds timestamps
 * to 0.1 ms, against pages that would spy by them, which is longer than most kernels.
 */
const FEATURES = ["enable-dawn-features=allow_unsafe_apis", "disable-dawn-features=timestamp_quantization"];

/** No literal where it is imported: Deno would fetch the package for every command, before any of them runs. */
const DAWN = "./dawn.ts";

/**
 * An implementation, or nothing for Deno's own, which may be missing.
 *
 * @throws {DeviceError} If its package cannot be had, has no build for this machine, or may not be loaded.
 */
export async function loadGpu(name: string): Promise<GPU | undefined> {
  if (name !== "dawn") return undefined;
  try {
    const { create } = await import(DAWN) as typeof import("./dawn.ts");
    return create(FEATURES);
  } catch (error) {
    const reason = /lockfile/.test((error as Error).message)
      ? "its package is locked apart from the others; start the command by deno task, with --gpu dawn"
      : whyNotLoaded(error);
    throw new DeviceError(`Dawn, the WebGPU of --gpu dawn, does not load: ${reason}`);
  }
}
