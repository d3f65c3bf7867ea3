/** Groups of options of `train`: the schedule, the optimiser, checkpoints. What they mean to the library is said here too. */

import { UsageError } from "../core/mod.ts";
import { type FitOptions, rmspropOptimizer, type ScheduleName, SCHEDULES } from "../train/mod.ts";
import type { Values } from "./options.ts";

/** How the learning rate changes. */
export const SCHEDULE_OPTIONS = {
  schedule: { kind: "text", about: "how the learning rate changes", default: "step", choices: SCHEDULES },
  factor: {
    kind: "number",
    about: "what step, plateau and exponential multiply the rate by",
    default: 0.1,
    minimum: 0,
  },
  milestones: {
    kind: "numbers",
    value: "A,B",
    about: "where step acts: fractions of the epochs up to 1, or numbers of steps",
    default: "0.5,0.75",
    minimum: 0,
  },
  patience: { kind: "integer", about: "epochs without improvement before plateau acts", default: 5, minimum: 0 },
  threshold: { kind: "number", about: "relative improvement that plateau counts", default: 1e-4, minimum: 0 },
  cooldown: { kind: "integer", about: "epochs after a reduction that plateau ignores", default: 0, minimum: 0 },
  monitor: { kind: "text", about: "what plateau watches in validation", default: "loss", choices: ["loss", "error"] },
  "min-lr": { kind: "number", about: "the rate at which plateau and cosine stop falling", default: 0, minimum: 0 },
  warmup: { kind: "number", about: "epochs, or parts of one, in which the rate rises from 0", default: 0, minimum: 0 },
  "warmup-until": {
    kind: "number",
    value: "ERROR",
    about: "train at --warmup-lr until the training error is below this share (0.8 for ResNet-110)",
    minimum: 0,
  },
  "warmup-lr": { kind: "number", about: "the rate of --warmup-until; a tenth of --lr unless given", minimum: 0 },
} as const;

/** How gradients change weights. */
export const OPTIMIZER_OPTIONS = {
  optimizer: { kind: "text", about: "the optimiser", default: "sgd", choices: ["sgd", "rmsprop"] },
  momentum: { kind: "number", about: "share of the last update that is kept", default: 0.9, minimum: 0 },
  nesterov: { kind: "flag", about: "Nesterov's momentum, for sgd", default: false },
  rho: { kind: "number", about: "share of the old mean square that rmsprop keeps", default: 0.9, minimum: 0 },
  epsilon: { kind: "number", about: "what rmsprop adds to the mean square before the root", default: 1, minimum: 0 },
  "weight-decay": { kind: "number", about: "share of the weights added to their gradient", default: 1e-4, minimum: 0 },
  decay: {
    kind: "text",
    about: "what decays: all parameters, or weights without biases and batch norm",
    default: "all",
    choices: ["all", "weights"],
  },
  "clip-norm": { kind: "number", about: "scale gradients down to this norm of all together", minimum: 0 },
  ema: {
    kind: "number",
    about: "evaluate and save an average of the weights that keeps this share a step",
    minimum: 0,
  },
} as const;

/** When checkpoints are saved. */
export const CHECKPOINT_OPTIONS = {
  "checkpoint-minutes": { kind: "number", about: "minutes between checkpoints in an epoch", default: 5, minimum: 0 },
  "checkpoint-steps": { kind: "integer", about: "steps between checkpoints in an epoch, too", minimum: 1 },
  keep: { kind: "integer", about: "keep the checkpoints of the last epochs too, so many", default: 0, minimum: 0 },
} as const;

/** The schedule, as the library takes it. */
export function scheduleOptions(
  values: Values<typeof SCHEDULE_OPTIONS>,
  stepsPerEpoch: number,
): Partial<FitOptions> {
  return {
    schedule: values.schedule as ScheduleName,
    factor: values.factor,
    milestones: values.milestones,
    patience: values.patience,
    threshold: values.threshold,
    cooldown: values.cooldown,
    monitor: values.monitor as "loss" | "error",
    minimum: values["min-lr"],
    warmupSteps: Math.round(values.warmup * stepsPerEpoch),
    warmupError: values["warmup-until"],
    warmupRate: values["warmup-lr"],
  };
}

/** The optimiser, as the library takes it. */
export function optimizerOptions(values: Values<typeof OPTIMIZER_OPTIONS>): Partial<FitOptions> {
  const { momentum, nesterov, rho, epsilon, "weight-decay": weightDecay, ema } = values;
  const decay = values.decay as "all" | "weights", clipNorm = values["clip-norm"];
  if (values.optimizer === "rmsprop" && nesterov) {
    throw new UsageError("--nesterov: rmsprop has no such momentum; use --optimizer sgd");
  }
  const optimizer = values.optimizer === "rmsprop"
    ? rmspropOptimizer({ momentum, rho, epsilon, weightDecay, decay })
    : undefined;
  return { optimizer, momentum, nesterov, weightDecay, decay, clipNorm, ema };
}
