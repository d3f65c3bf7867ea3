/** Options of `train` that would do nothing beside the others: they are refused, since who gives one expects something. */

import { UsageError } from "../../core/mod.ts";
import { unusedModelOptions } from "../../models/mod.ts";
import type { GivenOptions } from "./options.ts";
import type { TrainValues } from "./train_options.ts";

/** Options that shape a model, and what the library calls them. */
const MODEL_SHAPE = { shortcut: "shortcut", downsampling: "downsampling", "zero-init": "zeroInitLastGamma" } as const;

/** Options that only some choices of another option heed. */
const HEEDED_BY: Readonly<Record<string, { readonly option: "schedule" | "optimizer"; readonly by: string[] }>> = {
  factor: { option: "schedule", by: ["step", "plateau", "exponential"] },
  milestones: { option: "schedule", by: ["step"] },
  patience: { option: "schedule", by: ["plateau"] },
  threshold: { option: "schedule", by: ["plateau"] },
  cooldown: { option: "schedule", by: ["plateau"] },
  monitor: { option: "schedule", by: ["plateau"] },
  "min-lr": { option: "schedule", by: ["plateau", "cosine"] },
  nesterov: { option: "optimizer", by: ["sgd"] },
  rho: { option: "optimizer", by: ["rmsprop"] },
  epsilon: { option: "optimizer", by: ["rmsprop"] },
};

/**
 * Refuses options that would do nothing.
 *
 * @param values The values of the run.
 * @param given The options that were written; those of a recipe or of a resumed run may go unheeded.
 * @throws {UsageError} If one would.
 */
export function rejectUnusedOptions(values: TrainValues, given: GivenOptions): void {
  const unused = unusedModelOptions(values.model);
  for (const [name, shape] of Object.entries(MODEL_SHAPE)) {
    if (name in given && unused.includes(shape)) throw new UsageError(`--${name}: ${values.model} has no use for it`);
  }
  for (const [name, { option, by }] of Object.entries(HEEDED_BY)) {
    if (!(name in given) || by.includes(values[option])) continue;
    throw new UsageError(`--${name}: --${option} ${values[option]} has no use for it; ${by.join(", ")} ${verb(by)}`);
  }
  if ("warmup-lr" in given && values["warmup-until"] === undefined) {
    throw new UsageError("--warmup-lr: it is the rate of --warmup-until, which is not given");
  }
  if (values.deterministic && values.tune !== "off") {
    throw new UsageError(
      `--deterministic and --tune ${values.tune} exclude each other: timing may choose other kernels`,
    );
  }
}

function verb(subjects: readonly string[]): string {
  return subjects.length === 1 ? "does" : "do";
}
