/** When an option has an effect, by the values of the others. */

import { type ModelOption, unusedModelOptions } from "../../models/mod.ts";
import type { Condition } from "./option.ts";

/**
 * Where another option has one of some values.
 *
 * @example
 * ```ts
 * import { byChoice } from "./conditions.ts";
 * console.log(byChoice("schedule", "plateau")({ schedule: "step" })); // --schedule step has no use for it; plateau does
 * ```
 */
export function byChoice(option: string, ...choices: readonly string[]): Condition {
  const those = `${choices.join(", ")} ${choices.length === 1 ? "does" : "do"}`;
  return ({ [option]: value }) =>
    choices.includes(value as string) ? undefined : `--${option} ${value} has no use for it; ${those}`;
}

/** Where the model heeds an option of the library. */
export function byModel(option: ModelOption): Condition {
  return ({ model }) => unusedModelOptions(model as string).includes(option) ? `${model} has no use for it` : undefined;
}

/**
 * Beside another option, which is not given by default.
 *
 * @param otherwise Why it has no effect without that one.
 */
export function beside(option: string, otherwise: string): Condition {
  return ({ [option]: value }) => value === undefined || value === false ? otherwise : undefined;
}
