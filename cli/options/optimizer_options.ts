/** The options of `train` that say how gradients change weights, and what they mean to the library. */

import { adamwOptimizer, type FitOptions, rmspropOptimizer } from "../../train/mod.ts";
import { byChoice } from "./conditions.ts";
import { type Condition, inGroup, type Values } from "./option.ts";

const foundAlone: Condition = ({ lr, distributed }) =>
  lr === "auto" && distributed === true
    ? "--lr auto is of one process; run lr-find first, and give --distributed the rate that it finds"
    : undefined;

/** How gradients change weights. */
export const OPTIMIZER_OPTIONS = inGroup(
  "Optimiser",
  {
    optimizer: { kind: "text", about: "the optimiser", default: "sgd", choices: ["sgd", "rmsprop", "adamw"] },
    lr: {
      kind: "number",
      about:
        "the highest learning rate, or auto to find it by a range test first (Smith 2017), as lr-find does; defaults to " +
        "what suits the batch, up to 0.1, to 0.01 for published weights, and to 1e-3 for adamw",
      above: 0,
      words: ["auto"],
      contradicts: foundAlone,
    },
    momentum: {
      kind: "number",
      about: "share of the last update that sgd and rmsprop keep",
      default: 0.9,
      minimum: 0,
      below: 1,
      heededBy: byChoice("optimizer", "sgd", "rmsprop"),
    },
    nesterov: {
      kind: "flag",
      about: "Nesterov's momentum, for sgd",
      default: true,
      heededBy: byChoice("optimizer", "sgd"),
    },
    rho: {
      kind: "number",
      about: "share of the old mean square that rmsprop keeps",
      default: 0.9,
      minimum: 0,
      below: 1,
      heededBy: byChoice("optimizer", "rmsprop"),
    },
    beta1: {
      kind: "number",
      about: "share of the old mean of gradients that adamw keeps",
      default: 0.9,
      minimum: 0,
      below: 1,
      heededBy: byChoice("optimizer", "adamw"),
    },
    beta2: {
      kind: "number",
      about: "share of the old mean of their squares that adamw keeps",
      default: 0.999,
      minimum: 0,
      below: 1,
      heededBy: byChoice("optimizer", "adamw"),
    },
    epsilon: {
      kind: "number",
      about: "what rmsprop adds to the mean square before the root, and adamw after it; defaults to 1 and to 1e-8",
      minimum: 0,
      heededBy: byChoice("optimizer", "rmsprop", "adamw"),
    },
    "weight-decay": {
      kind: "number",
      about:
        "share of the weights added to their gradient, for adamw taken off them at the rate; defaults to 5e-4, to 1e-4 for rmsprop and to 0.01 for adamw",
      minimum: 0,
    },
    decay: {
      kind: "text",
      about: "what decays: all parameters, or weights without biases and batch norm",
      default: "weights",
      choices: ["all", "weights"],
    },
    "clip-norm": { kind: "number", about: "scale gradients down to this norm of all together", minimum: 0 },
    ema: {
      kind: "number",
      about: "evaluate and save an average of the weights that keeps this share a step",
      minimum: 0,
      below: 1,
    },
  } as const,
);

type OptimizerValues = Values<typeof OPTIMIZER_OPTIONS>;

/** What holds where an option is not given, by optimiser. */
const DEFAULTS: Readonly<Record<string, Partial<OptimizerValues> & { readonly lr?: number }>> = {
  sgd: { "weight-decay": 5e-4 },
  rmsprop: { "weight-decay": 1e-4, epsilon: 1 },
  adamw: { lr: 1e-3, "weight-decay": 0.01, epsilon: 1e-8 },
};

/** The values with those that the optimiser decides, where they are not given. */
export function withOptimizerDefaults<V extends OptimizerValues>(values: V): V {
  return { ...DEFAULTS[values.optimizer], ...values };
}

/** The rate that suits an optimiser whatever the batch; nothing where there is none. */
export function suitedRate(optimizer: string): number | undefined {
  return DEFAULTS[optimizer].lr;
}

/** The optimiser, as the library takes it. */
export function optimizerOptions(values: Omit<OptimizerValues, "lr"> & { readonly lr: number }): Partial<FitOptions> {
  const { lr: rate, momentum, nesterov, rho, beta1, beta2, epsilon, ema, ...others } = withOptimizerDefaults(values);
  const weightDecay = others["weight-decay"], decay = others.decay as "all" | "weights", clipNorm = others["clip-norm"];
  const optimizer = {
    sgd: undefined,
    rmsprop: () => rmspropOptimizer({ momentum, rho, epsilon, weightDecay, decay }),
    adamw: () => adamwOptimizer({ beta1, beta2, epsilon, weightDecay, decay }),
  }[others.optimizer as "sgd" | "rmsprop" | "adamw"]?.();
  return { rate, optimizer, momentum, nesterov, weightDecay, decay, clipNorm, ema };
}
