/** The variables that a run starts with. */

import { UsageError } from "../core/mod.ts";
import { expectTensors, OPTIMIZER_PREFIX, TRANSIENT_PREFIX } from "../weights/mod.ts";
import type { FitOptions } from "./fit_options.ts";
import type { Trainer } from "./trainer.ts";

/**
 * Writes the weights to start from; of a run to go on with, the optimiser's variables too.
 *
 * @throws {DataError} If they are of another model.
 * @throws {UsageError} If the run to go on with had another optimiser.
 */
export async function writeInitial(
  { variables }: Trainer,
  { initial, progress }: Pick<FitOptions, "initial" | "progress">,
): Promise<void> {
  if (initial === undefined) return;
  if (progress !== undefined) {
    // Of another model, the optimiser's tensors are others too.
    const model = [...variables.storages].filter(([name]) => !name.startsWith(OPTIMIZER_PREFIX));
    expectTensors(new Map(model.map(([name, { spec }]) => [name, spec])), initial.tensors, initial.source);
    const missing = [...variables.storages.keys()].find((name) =>
      name.startsWith(OPTIMIZER_PREFIX) && !name.startsWith(TRANSIENT_PREFIX) && !initial.tensors.has(name)
    );
    if (missing !== undefined) {
      throw new UsageError(
        `${initial.source}: there is no tensor ${missing}; the run was trained with another optimiser`,
      );
    }
    return variables.write(initial.tensors, initial.source);
  }
  const model = [...initial.tensors].filter(([name]) => !name.startsWith(OPTIMIZER_PREFIX));
  variables.write(new Map(model), initial.source, initial);
  await variables.startAverages();
}
