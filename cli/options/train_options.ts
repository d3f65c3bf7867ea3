/** The options of `train`, and what they mean to the library. */

import type { Precision } from "../../core/mod.ts";
import type { ModelOptions } from "../../models/mod.ts";
import { type FitOptions, rmspropOptimizer, type ScheduleName, SCHEDULES } from "../../train/mod.ts";
import { TUNE_OPTION } from "../tuning/tune_option.ts";
import { beside, byChoice, byModel } from "./conditions.ts";
import { AUGMENTATION_OPTIONS, DATA_OPTIONS } from "./image_options.ts";
import { type Condition, inGroup, type Values } from "./option.ts";
import { RECIPES } from "./recipes.ts";
import { BACKEND_OPTIONS, MODEL_OPTION, PRECISION_OPTION } from "./shared_options.ts";

/** How the learning rate changes. */
const SCHEDULE_OPTIONS = inGroup(
  "Schedule",
  {
    schedule: { kind: "text", about: "how the learning rate changes", default: "step", choices: SCHEDULES },
    factor: {
      kind: "number",
      about: "what step, plateau and exponential multiply the rate by",
      default: 0.1,
      minimum: 0,
      heededBy: byChoice("schedule", "step", "plateau", "exponential"),
    },
    milestones: {
      kind: "numbers",
      value: "A,B",
      about: "where step acts: fractions of the epochs up to 1, or numbers of steps",
      default: "0.5,0.75",
      minimum: 0,
      heededBy: byChoice("schedule", "step"),
    },
    patience: {
      kind: "integer",
      about: "epochs without improvement before plateau acts",
      default: 5,
      minimum: 0,
      heededBy: byChoice("schedule", "plateau"),
    },
    threshold: {
      kind: "number",
      about: "relative improvement that plateau counts",
      default: 1e-4,
      minimum: 0,
      heededBy: byChoice("schedule", "plateau"),
    },
    cooldown: {
      kind: "integer",
      about: "epochs after a reduction that plateau ignores",
      default: 0,
      minimum: 0,
      heededBy: byChoice("schedule", "plateau"),
    },
    monitor: {
      kind: "text",
      about: "what plateau watches in validation",
      default: "loss",
      choices: ["loss", "error"],
      heededBy: byChoice("schedule", "plateau"),
    },
    "min-lr": {
      kind: "number",
      about: "the rate at which plateau and cosine stop falling",
      default: 0,
      minimum: 0,
      heededBy: byChoice("schedule", "plateau", "cosine"),
    },
    warmup: {
      kind: "number",
      about: "epochs, or parts of one, in which the rate rises from 0",
      default: 0,
      minimum: 0,
    },
    "warmup-until": {
      kind: "number",
      value: "ERROR",
      about: "train at --warmup-lr until the training error is below this share (0.8 for ResNet-110)",
      minimum: 0,
    },
    "warmup-lr": {
      kind: "number",
      about: "the rate of --warmup-until; defaults to a tenth of --lr",
      minimum: 0,
      heededBy: beside("warmup-until", "it is the rate of --warmup-until, which is not given"),
    },
  } as const,
);

/** How gradients change weights. */
const OPTIMIZER_OPTIONS = inGroup(
  "Optimiser",
  {
    optimizer: { kind: "text", about: "the optimiser", default: "sgd", choices: ["sgd", "rmsprop"] },
    momentum: { kind: "number", about: "share of the last update that is kept", default: 0.9, minimum: 0, below: 1 },
    nesterov: {
      kind: "flag",
      about: "Nesterov's momentum, for sgd",
      default: false,
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
    epsilon: {
      kind: "number",
      about: "what rmsprop adds to the mean square before the root",
      default: 1,
      minimum: 0,
      heededBy: byChoice("optimizer", "rmsprop"),
    },
    "weight-decay": {
      kind: "number",
      about: "share of the weights added to their gradient",
      default: 1e-4,
      minimum: 0,
    },
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
      below: 1,
    },
  } as const,
);

/** When checkpoints are saved. */
const SAVING_OPTIONS = inGroup(
  "Saving and resuming",
  {
    "checkpoint-minutes": {
      kind: "number",
      about: "minutes between checkpoints in an epoch",
      default: 5,
      minimum: 0,
      mayChangeOnResume: true,
    },
    "checkpoint-steps": {
      kind: "integer",
      about: "steps between checkpoints in an epoch, too",
      minimum: 1,
      mayChangeOnResume: true,
    },
    keep: {
      kind: "integer",
      about: "keep the checkpoints of the last N epochs too",
      default: 0,
      minimum: 0,
      mayChangeOnResume: true,
    },
  } as const,
);

const timedDeterminism: Condition = ({ deterministic, tune }) =>
  deterministic === true && tune !== "off"
    ? `--deterministic and --tune ${tune} exclude each other: timing may choose other kernels`
    : undefined;

/** All options of `train`. */
export const TRAIN_OPTIONS = {
  recipe: {
    kind: "text",
    group: "Training",
    value: "NAME|FILE.json",
    about: `the options of a paper: ${
      RECIPES.map(({ recipe }) => recipe).join(", ")
    }; options given beside it count more`,
    ofOneRun: true,
  },
  "print-recipe": {
    kind: "flag",
    group: "Training",
    about: "print the recipe, with the source of each value, and end",
    default: false,
    ofOneRun: true,
  },
  model: { ...MODEL_OPTION, default: "resnet20" },
  ...DATA_OPTIONS,
  "cache-images": {
    kind: "number",
    group: "Data",
    value: "MIB",
    about: "memory for decoded image files, 0 for none; defaults to a quarter of what is free, up to 2048",
    minimum: 0,
    mayChangeOnResume: true,
  },
  epochs: {
    kind: "integer",
    group: "Training",
    about: "passes over the training set",
    default: 6,
    minimum: 1,
    replaces: ["steps"],
    mayChangeOnResume: true,
  },
  steps: {
    kind: "integer",
    group: "Training",
    about: "stop after N batches",
    minimum: 1,
    replaces: ["epochs"],
    mayChangeOnResume: true,
  },
  batch: {
    kind: "integer",
    group: "Training",
    about: "images in a batch; 32 for shapes, 128 for other data",
    minimum: 1,
  },
  accumulate: {
    kind: "integer",
    group: "Device",
    about:
      "parts of a batch that go through the network one by one, to save memory; batch norm sees each part alone; defaults to the fewest that fit",
    minimum: 1,
  },
  recompute: {
    kind: "flag",
    group: "Device",
    about: "compute activations again in the backward pass: less memory, the same bits, 15 to 35 % slower",
    default: false,
    mayChangeOnResume: true,
  },
  memory: {
    kind: "number",
    group: "Device",
    value: "MIB",
    about: "the most memory to use; defaults to what there is",
    minimum: 1,
    mayChangeOnResume: true,
  },
  lr: {
    kind: "number",
    group: "Schedule",
    about: "the first learning rate, or onecycle's highest",
    default: 0.1,
    minimum: 0,
  },
  ...SCHEDULE_OPTIONS,
  ...OPTIMIZER_OPTIONS,
  ...AUGMENTATION_OPTIONS,
  shuffle: { kind: "flag", group: "Training", about: "visit the images in a new order each epoch", default: true },
  "label-smoothing": {
    kind: "number",
    group: "Training",
    about: "share of the target spread over all classes",
    default: 0,
    minimum: 0,
    below: 1,
  },
  shortcut: {
    kind: "text",
    group: "Model",
    about: "the shortcut where shapes differ (He et al. 2015)",
    default: "B",
    choices: ["A", "B", "C"],
    heededBy: byModel("shortcut"),
  },
  downsampling: {
    kind: "text",
    group: "Model",
    about: "how blocks halve the resolution",
    default: "stride",
    choices: ["stride", "maxPool"],
    heededBy: byModel("downsampling"),
  },
  "zero-init": {
    kind: "flag",
    group: "Model",
    about: "start the last batch norm of each block at 0",
    default: false,
    heededBy: byModel("zeroInitLastGamma"),
  },
  seed: {
    kind: "integer",
    group: "Training",
    about: "the seed of weights, order and augmentation",
    default: 0,
    minimum: 0,
  },
  init: {
    kind: "text",
    group: "Model",
    value: "FILE|RUN",
    about:
      "start from the weights of a safetensors or PyTorch file, or a run's best; a head for other classes starts anew",
    startsRun: true,
    ofOneRun: true,
  },
  freeze: {
    kind: "text",
    group: "Model",
    value: "PATTERN,…",
    about: "parameters that stay as they are, such as layer1.*; running statistics follow all the same",
  },
  resume: {
    kind: "text",
    group: "Saving and resuming",
    value: "RUN",
    about: "go on with a run, as its config.json says; --epochs or --steps may extend it, --data may have moved",
    ofOneRun: true,
    ofOneInvocation: true,
  },
  out: {
    kind: "text",
    group: "Saving and resuming",
    value: "RUN",
    about: "the run folder; defaults to runs/DATE-TIME",
    startsRun: true,
    ofOneRun: true,
  },
  ...SAVING_OPTIONS,
  ...BACKEND_OPTIONS,
  precision: PRECISION_OPTION,
  tune: TUNE_OPTION,
  deterministic: {
    kind: "flag",
    group: "Device",
    about: "never choose kernels by timing them, so that a run repeats: refuses every --tune but off",
    default: false,
    contradicts: timedDeterminism,
  },
  profile: {
    kind: "flag",
    group: "Output",
    about: "time the kernels of a few early steps: prints a table, and writes profile.json for ui.perfetto.dev to RUN",
    default: false,
    ofOneInvocation: true,
  },
  progress: {
    kind: "flag",
    group: "Output",
    about: "show the progress line on a terminal",
    default: true,
    mayChangeOnResume: true,
    ofOneRun: true,
  },
  json: {
    kind: "flag",
    group: "Output",
    about: "print each epoch as a line of JSON",
    default: false,
    mayChangeOnResume: true,
    ofOneRun: true,
  },
} as const;

/** Their values. */
export type TrainValues = Values<typeof TRAIN_OPTIONS>;

/** What shapes the model. */
export function modelOptions(values: TrainValues): ModelOptions {
  return {
    shortcut: values.shortcut as "A" | "B" | "C",
    downsampling: values.downsampling as "stride" | "maxPool",
    zeroInitLastGamma: values["zero-init"],
  };
}

/** What training is told of them. */
export function trainingOptions(values: TrainValues, stepsPerEpoch: number): Partial<FitOptions> {
  return {
    steps: values.steps,
    accumulate: values.accumulate ?? "auto",
    recompute: values.recompute,
    precision: values.precision as Precision,
    rate: values.lr,
    ...scheduleOptions(values, stepsPerEpoch),
    ...optimizerOptions(values),
    shuffle: values.shuffle,
    labelSmoothing: values["label-smoothing"],
    seed: values.seed,
    checkpoints: {
      minutes: values["checkpoint-minutes"],
      steps: values["checkpoint-steps"],
      keep: values.keep,
    },
  };
}

/** The schedule, as the library takes it. */
function scheduleOptions(
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
function optimizerOptions(values: Values<typeof OPTIMIZER_OPTIONS>): Partial<FitOptions> {
  const { momentum, nesterov, rho, epsilon, "weight-decay": weightDecay, ema } = values;
  const decay = values.decay as "all" | "weights", clipNorm = values["clip-norm"];
  const optimizer = values.optimizer === "rmsprop"
    ? rmspropOptimizer({ momentum, rho, epsilon, weightDecay, decay })
    : undefined;
  return { optimizer, momentum, nesterov, weightDecay, decay, clipNorm, ema };
}
