/** Finds a model by the name that the command line and checkpoints use. */

import { UsageError } from "../core/mod.ts";
import { cifarResNet, type CifarResNetOptions } from "./cifar_resnet.ts";
import type { SequentialModel } from "./model.ts";

/** What a model of any name may be told. */
export type ModelOptions = Omit<CifarResNetOptions, "depth">;

/**
 * The model of that name: `resnet20`, or any `resnet` and a depth of 6n + 2.
 *
 * @throws {UsageError} If there is none.
 *
 * @example
 * ```ts
 * import { modelByName } from "./mod.ts";
 * console.log(modelByName("resnet20", { classes: 100 }).classes); // 100
 * ```
 */
export function modelByName(name: string, options: ModelOptions = {}): SequentialModel {
  const depth = /^resnet(\d+)$/.exec(name)?.[1];
  if (depth === undefined) {
    throw new UsageError(
      `There is no model named "${name}"; there are resnet20, 32, 44, 56, 110 and any other resnet of depth 6n + 2`,
    );
  }
  return cifarResNet({ depth: Number(depth), ...options });
}
