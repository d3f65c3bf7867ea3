/** The options that shape a residual network, and what they mean to the library. */

import type { ModelOptions } from "../../models/mod.ts";
import { byModel } from "./conditions.ts";
import { inGroup, type Values } from "./option.ts";

/** What shapes a network of those that --model names. */
export const NETWORK_OPTIONS = inGroup(
  "Model",
  {
    shortcut: {
      kind: "text",
      about: "the shortcut where shapes differ (He et al. 2015)",
      default: "B",
      choices: ["A", "B", "C"],
      heededBy: byModel("shortcut"),
    },
    downsampling: {
      kind: "text",
      about: "how blocks halve the resolution",
      default: "stride",
      choices: ["stride", "maxPool"],
      heededBy: byModel("downsampling"),
    },
    "zero-init": {
      kind: "flag",
      about: "start the last batch norm of each block at 0",
      default: false,
      heededBy: byModel("zeroInitLastGamma"),
    },
  } as const,
);

/** What shapes the model. */
export function modelOptions(values: Values<typeof NETWORK_OPTIONS>): ModelOptions {
  return {
    shortcut: values.shortcut as "A" | "B" | "C",
    downsampling: values.downsampling as "stride" | "maxPool",
    zeroInitLastGamma: values["zero-init"],
  };
}
