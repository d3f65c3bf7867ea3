/** With what a run began, as its folder keeps it: `config.json`, and the kernels that were chosen. */

import { VERSION } from "../../core/mod.ts";
import type { Callback } from "../../train/mod.ts";
import { keptOptions, type RunConfig } from "../options/resume.ts";
import { TRAIN_OPTIONS } from "../options/train_options.ts";
import type { RunTuning } from "../tuning/run_tuning.ts";
import type { BeginningRun } from "./say_start.ts";

/** Keeps with what a run begins, where it begins: its configuration, and the kernels that were chosen for it. */
export function keepStart(beginning: BeginningRun, tuning: RunTuning): Callback {
  const { folder, store } = beginning.run;
  return {
    async onStart({ parts }) {
      await tuning.save(store);
      await folder?.writeConfig(runConfig(beginning, parts));
    },
  };
}

/**
 * What `config.json` says.
 *
 * @param parts The parts of a batch that go through the network one after the other.
 */
function runConfig(
  { asked, run, work, backend, headEpochs }: BeginningRun,
  parts: number,
): RunConfig {
  const { values, ranks, classWeights } = work;
  return {
    ...keptOptions(TRAIN_OPTIONS, values),
    batch: values.batch,
    ranks: ranks?.size,
    "head-epochs": headEpochs,
    accumulate: parts,
    // Numbers, so that a run goes on with its own whatever becomes of a file.
    "class-weights": classWeights?.toString(),
    out: run.location,
    // A rate that was found is not what was given.
    given: asked.given.filter((name) => name !== "lr" || asked.values.lr !== "auto"),
    version: VERSION,
    deno: Deno.version.deno,
    adapter: backend.description,
  };
}
