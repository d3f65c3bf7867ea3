/** What `config.json` says of a run: its options as they were resolved, and with what it began. */

import { VERSION } from "../../core/mod.ts";
import { keptOptions, type RunConfig } from "../options/resume.ts";
import { TRAIN_OPTIONS } from "../options/train_options.ts";
import type { BeginningRun } from "./say_start.ts";

/**
 * What `config.json` says.
 *
 * @param parts The parts of a batch that go through the network one after the other.
 */
export function runConfig(
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
