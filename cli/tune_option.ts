/** The option --tune of `train`. */

import type { TuneOptions } from "../core/mod.ts";
import { TuningFile } from "./tuning_file.ts";

/** The option. */
export const TUNE_OPTION = {
  kind: "text",
  about:
    "kernels on WebGPU: off takes those expected to be fast, cache those timed before, full times the others first",
  default: "off",
  choices: ["off", "cache", "full"],
} as const;

/** What the trainer is told: nothing for off. */
export function tuneOptions(tune: string, adapter: string, progress: boolean): TuneOptions | undefined {
  if (tune === "off") return undefined;
  return {
    store: new TuningFile(adapter),
    measure: tune === "full",
    progress: (done, total, what) => {
      if (progress) console.error(`timing kernels, ${done + 1} of ${total}: ${what}`);
    },
  };
}
