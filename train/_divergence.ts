/** The errors of training that has diverged, and the check that keeps its numbers out of files. */

import { argument, NumericError, type Sentence, sentence } from "../core/mod.ts";
import type { NamedTensor } from "../weights/mod.ts";

/** A step of a run, for messages. */
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
 * @param what The number's name, such as `loss`.
 */
export function divergence(what: string, value: number, { step, epoch, rate, mixed }: TrainingPoint): NumericError {
  // A schedule's rate has all the digits of a double.
  const shown = Number(rate.toPrecision(4));
  const became = sentence`The ${what} became ${value} ${
    formatPoint({ step, epoch })
  }, with a learning rate of ${shown}`;
  return new NumericError(sentence`${became}; ${wayOut(mixed)}`);
}

/** The error for gradients that are not finite even where the loss is multiplied by this scale. */
export function overflow(scale: number, point: Pick<TrainingPoint, "step" | "epoch">): NumericError {
  const cause = `The gradients overflow float16 ${formatPoint(point)}, even where the loss is scaled by ${scale}`;
  return new NumericError(sentence`${cause}; ${wayOut(true)}`);
}

function formatPoint({ step, epoch }: Pick<TrainingPoint, "step" | "epoch">): string {
  return `at step ${step}, in epoch ${epoch + 1}`;
}

function wayOut(mixed: boolean): Sentence {
  const lower = sentence`start again with a lower ${argument("rate")}`;
  return mixed ? sentence`${lower} or ${argument("precision", "float32")}` : lower;
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
