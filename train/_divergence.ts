/** How training that has diverged ends: with an error, and nothing of it in a file. */

import { NumericError } from "../core/mod.ts";
import type { NamedTensor } from "../weights/mod.ts";

/** Where training stands. */
export interface TrainingPoint {
  /** The steps that are done. */
  readonly step: number;
  /** The epoch of the last of them, from 0. */
  readonly epoch: number;
  /** Its learning rate. */
  readonly rate: number;
  /** Whether precision is mixed. */
  readonly mixed: boolean;
}

/**
 * The error for a number that is not finite.
 *
 * @param what What it is of.
 */
export function divergence(what: string, value: number, { step, epoch, rate, mixed }: TrainingPoint): NumericError {
  return new NumericError(
    `The ${what} became ${value} at step ${step}, in epoch ${epoch + 1}, with a learning rate of ${rate}; ` +
      `start again with a lower --lr${mixed ? " or --precision float32" : ""}`,
  );
}

/**
 * Expects every number of some tensors to be finite, and gives them back. The loss of a step tells nothing of its update.
 *
 * @throws {NumericError} If one is not.
 */
export function expectFinite<T extends ReadonlyMap<string, NamedTensor>>(tensors: T, point: TrainingPoint): T {
  for (const [name, { data }] of tensors) {
    for (let i = 0; i < data.length; i++) {
      if (!Number.isFinite(data[i])) throw divergence(`tensor ${name}`, data[i], point);
    }
  }
  return tensors;
}
