/** Fine-tuning in two parts: the head alone first, then all. */

import { argument, sentence, UsageError } from "../core/mod.ts";
import type { Model, SequentialModel } from "../models/mod.ts";
import { frozenNames, parameterNames } from "./freeze.ts";
import type { StepOptions } from "./traced_step.ts";

/** What stays in a step that trains the head alone. */
export type HeadStep = Required<Pick<StepOptions, "freeze" | "freezeStatistics">>;

/**
 * The step that trains a model's head alone: all other parameters are frozen, and the running statistics with them.
 *
 * @param model The model, whose last layer is the head.
 * @param freeze The patterns of the parameters that stay in the whole run.
 * @throws {UsageError} If the model has no layers, of which the last could be the head; or nothing of the head is left to
 * train.
 *
 * @example
 * ```ts
 * import { modelByName } from "@residua/residua";
 * import { headStep } from "@residua/residua/train";
 * console.log(headStep(modelByName("resnet8")).freeze.includes("fc.weight")); // false
 * ```
 */
export function headStep(model: Model | SequentialModel, freeze: readonly string[] = []): HeadStep {
  if (!("layers" in model)) {
    throw new UsageError(
      sentence`${model.name} is no list of layers, so that its head is not known; leave ${
        argument("headEpochs")
      } away, or use ${argument("freeze")}`,
    );
  }
  const names = parameterNames(model), head = `${model.layers.at(-1)!.name}.`, fixed = frozenNames(freeze, names);
  const others = names.filter((name) => !name.startsWith(head) || fixed.includes(name));
  if (others.length === names.length) {
    throw new UsageError(
      sentence`All of the head, ${head}*, is frozen, so that it cannot be trained first; set ${
        argument("headEpochs", 0)
      }, or change ${argument("freeze")}`,
    );
  }
  return { freeze: others, freezeStatistics: true };
}
