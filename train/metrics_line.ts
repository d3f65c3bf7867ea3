/** The lines of `metrics.jsonl`. */

import { countField, customField, type FieldCheck, numberField, objectField, optionalField } from "../core/mod.ts";

/** One line of `metrics.jsonl`. */
export type MetricsLine =
  | {
    readonly kind: "step";
    readonly step: number;
    readonly epoch: number;
    readonly loss: number;
    readonly lr: number;
    readonly imagesPerSecond: number;
    /** Under mixed precision; it is halved where a step's update was left out. */
    readonly lossScale?: number;
  }
  | {
    readonly kind: "epoch";
    readonly epoch: number;
    readonly trainLoss: number;
    readonly trainTop1: number;
    readonly valLoss: number;
    readonly valTop1: number;
    readonly lr: number;
    readonly seconds: number;
  };

/** JSON has no NaN, which is the validation of no images, nor infinite rates: null stands for them. */
const numberOrNull: FieldCheck = (value, name) => value === null ? undefined : numberField(value, name);

const STEP = objectField({
  step: countField(1),
  epoch: countField(),
  loss: numberField,
  lr: numberOrNull,
  imagesPerSecond: numberOrNull,
  lossScale: optionalField(numberField),
});

const EPOCH = objectField({
  epoch: countField(),
  trainLoss: numberField,
  trainTop1: numberField,
  valLoss: numberOrNull,
  valTop1: numberOrNull,
  lr: numberOrNull,
  seconds: numberField,
});

const NO_KIND = customField('"step" or "epoch"', () => false);

/**
 * Looks at a line that was read.
 *
 * @returns What of it is something else, and what was expected; nothing where it is right.
 */
export function findMetricsFault(line: unknown): string | undefined {
  const kind = (line as Partial<MetricsLine> | null)?.kind;
  if (kind === "step") return STEP(line, "");
  if (kind === "epoch") return EPOCH(line, "");
  return objectField({ kind: (value) => NO_KIND(value, "kind") })(line, "a line");
}
