/** Finds a model by the name that the command line and checkpoints use. */

import { didYouMean, UsageError } from "../core/mod.ts";
import type { SequentialModel } from "./model.ts";
import { type ModelOption, type ModelOptions, type ModelRow, MODELS, type NameParts } from "./table.ts";

/** The names that the papers have; {@link modelByName} knows others of their kinds too. */
export const MODEL_NAMES: readonly string[] = MODELS.flatMap(({ names }) => names);

/**
 * The options that the model of a name has no use for, so that a caller can refuse them.
 *
 * @throws {UsageError} If there is no model of that name, or its depth or width cannot be built.
 *
 * @example
 * ```ts
 * import { unusedModelOptions } from "@residua/residua/models";
 * console.log(unusedModelOptions("plain20").includes("shortcut")); // true
 * ```
 */
export function unusedModelOptions(name: string): ModelOption[] {
  modelByName(name);
  const { heeds } = findModel(name).row;
  return [...new Set(MODELS.flatMap((row) => row.heeds))].filter((option) => !heeds.includes(option));
}

/**
 * The model of that name: one of {@link MODELS}.
 *
 * @param name The name.
 * @param options What shapes it; those that it does not heed change nothing. Classes and image default to its row's.
 * @throws {UsageError} If there is none; the error lists what there is and suggests the nearest.
 *
 * @example
 * ```ts
 * import { modelByName } from "@residua/residua";
 * console.log(modelByName("resnet20", { classes: 100 }).classes); // 100
 * console.log(modelByName("mobilenet_v2", { width: 0.5 }).name); // mobilenet_v2_0.5
 * ```
 */
export function modelByName(name: string, options: ModelOptions = {}): SequentialModel {
  const { row, parts } = findModel(name), { classes = row.classes, inputShape = row.inputShape } = options;
  const heeded: ModelOptions = Object.fromEntries(row.heeds.map((option) => [option, options[option]]));
  return row.build(parts, { ...heeded, classes, inputShape });
}

function findModel(name: string): { readonly row: ModelRow; readonly parts: NameParts } {
  for (const row of MODELS) {
    const match = row.pattern.exec(name), parts = match?.groups ?? {};
    if (match !== null && row.accepts?.(parts) !== false) return { row, parts };
  }
  const others = MODELS.flatMap((row) => row.others ?? []);
  throw new UsageError(
    `There is no model named "${name}"${didYouMean(name, MODEL_NAMES)} There are ${MODEL_NAMES.join(", ")}; ` +
      `also ${others.join(", ")}`,
  );
}
