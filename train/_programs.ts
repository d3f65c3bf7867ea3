/** The programs of a run: training and validation, on batches that are divided as memory demands. */

import { OutOfMemoryError, type Program } from "../core/mod.ts";
import type { BatchInputs } from "./inputs/batch_inputs.ts";
import type { RunMemory } from "./events.ts";
import { excessMemory, explainMemory, inferenceNeed, partsOf, trainingFits } from "./memory.ts";
import { compileInference } from "../inference/mod.ts";
import type { HeadStep } from "./head.ts";
import { Trainer, type TrainerOptions } from "./trainer.ts";

/** The options of a trainer, and of one that trains the head alone before it. */
type RunOptions = TrainerOptions & { readonly head?: HeadStep };

/** In how many parts and by which inputs they are fed. */
type ChosenOptions = RunOptions & Required<Pick<TrainerOptions, "accumulate" | "inputs">>;

/** The programs of a run. */
export interface RunPrograms {
  /** The program that trains. */
  readonly trainer: Trainer;
  /** The program that trains the head alone, on the same variables, where there is one. It may be destroyed before the others. */
  readonly head?: Trainer;
  /** The program that validates, for as many images as a part of a batch. The first call compiles it. */
  readonly validation: () => Promise<Program>;
  /** The options that were found to fit. */
  readonly options: ChosenOptions;
  /** The bytes that the programs and their variables take. */
  readonly memory: RunMemory;
  /** Gives the memory of all programs back. */
  readonly destroy: () => void;
}

/**
 * Makes the programs of a run.
 *
 * @param ways The ways in which batches can reach a step, as {@link inputsFor} gives them: the first that fits is taken.
 * @param accumulate The parts of a batch, or `auto` for the fewest that fit in any of those ways.
 * @throws {OutOfMemoryError} If they do not fit: it names the largest batch that does.
 */
export async function createPrograms(
  base: Omit<RunOptions, "accumulate" | "inputs">,
  ways: readonly BatchInputs[],
  accumulate: number | "auto",
): Promise<RunPrograms> {
  const auto = accumulate === "auto";
  let failure: OutOfMemoryError | undefined;
  for (const parts of auto ? partsOf(base.batch) : [accumulate]) {
    for (const inputs of ways) {
      const options = { ...base, accumulate: parts, inputs };
      // The first way is tried unplanned: where there is room, trying is faster than planning.
      if (failure !== undefined && !trainingFits({ ...options, validation: true })) continue;
      try {
        return await create(options);
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
        failure = error;
      }
    }
  }
  const last = { ...base, accumulate: auto ? 1 : accumulate, inputs: ways.at(-1), validation: true };
  throw explainMemory(last, failure);
}

async function create(options: ChosenOptions): Promise<RunPrograms> {
  const { model, backend, accumulate, precision, tune } = options, before = backend.liveBytes;
  const batch = options.batch / accumulate, lean = accumulate > 1;
  const trainer = await Trainer.assemble(options), { variables: shared } = trainer;
  let head: Trainer | undefined, inference: Program | undefined;
  const validation = async () =>
    inference ??= await compileInference(model, backend, batch, trainer.variables, { precision, tune, lean });
  const destroy = () => {
    inference?.destroy();
    head?.destroy();
    trainer.destroy();
  };
  try {
    if (options.head !== undefined) head = await Trainer.assemble({ ...options, ...options.head, variables: shared });
    const trained = backend.liveBytes, need = inferenceNeed({ ...options, batch, lean });
    const excess = excessMemory(need, backend);
    if (excess !== undefined) throw new OutOfMemoryError(`validation does not fit: ${excess}`, backend.capacity.total);
    let validated = need.total;
    // Kernels are timed before the first step, while the device is idle. Their memory is known only then.
    if (tune !== undefined) {
      await validation();
      validated = backend.liveBytes - trained;
    }
    const variables = [...trainer.variables.storages.values()].reduce(
      (sum, { spec }) => sum + backend.allocatedBytes(spec),
      0,
    );
    const memory = {
      total: trained - before + validated,
      step: trained - before - variables,
      variables,
      validation: validated,
    };
    return { trainer, head, validation, options, memory, destroy };
  } catch (error) {
    destroy();
    throw error;
  }
}
