/** The options of `train`, and what they mean to the library. */

import type { Precision, Transport } from "../../core/mod.ts";
import type { ModelOptions } from "../../models/mod.ts";
import { type FitOptions, type ScheduleName, SCHEDULES } from "../../train/mod.ts";
import { TUNE_OPTION } from "../tuning/tune_option.ts";
import { beside, byChoice, byModel } from "./conditions.ts";
import type { ChosenValues } from "./chosen_values.ts";
import { AUGMENTATION_OPTIONS, DATA_OPTIONS } from "./image_options.ts";
import { OPTIMIZER_OPTIONS, optimizerOptions } from "./optimizer_options.ts";
import { DISTRIBUTED_OPTION, TOGETHER_OPTIONS } from "./distributed_options.ts";
import { type Condition, inGroup, MOST, type Values } from "./option.ts";
import { RECIPES } from "./recipes.ts";
import { BACKEND_OPTIONS, MODEL_OPTION, PRECISION_OPTION } from "./shared_options.ts";

/** How the learning rate changes. */
const SCHEDULE_OPTIONS = inGroup(
  "Schedule",
  {
    schedule: { kind: "text", about: "how the learning rate changes", default: "cosine", choices: SCHEDULES },
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
      about:
        "epochs, or parts of one, in which the rate rises from 0; defaults to a twentieth of them, or 0 with --schedule",
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
    "stop-after": {
      kind: "integer",
      about: "save and stop after N epochs of the run, as an interruption does; --resume goes on",
      minimum: 1,
      ofOneInvocation: true,
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

const balancedInOrder: Condition = ({ sample, shuffle }) =>
  sample === "balanced" && shuffle === false
    ? "--sample balanced and --no-shuffle exclude each other: drawn images have no order of the set"
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
    about: "passes over the training set; defaults to what suits the number of images",
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
  "early-stop": {
    kind: "integer",
    group: "Training",
    about: "stop after N epochs in a row without a better validation",
    minimum: 1,
    mayChangeOnResume: true,
  },
  batch: {
    kind: "integer",
    group: "Training",
    about: "images in a batch, of each process with --distributed; defaults to what suits the number of images",
    minimum: 1,
    maximum: MOST.batch,
  },
  ...TOGETHER_OPTIONS,
  accumulate: {
    kind: "integer",
    group: "Device",
    about:
      "parts of a batch that go through the network one by one, to save memory; batch norm sees each part alone; defaults to the fewest that fit",
    minimum: 1,
    maximum: MOST.batch,
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
  ...SCHEDULE_OPTIONS,
  ...OPTIMIZER_OPTIONS,
  ...AUGMENTATION_OPTIONS,
  shuffle: {
    kind: "flag",
    group: "Training",
    about:
      "visit the images in a new order each epoch; else in the order of the set, each epoch from where the last ended",
    default: true,
  },
  sample: {
    kind: "text",
    group: "Training",
    about: "an epoch is each image once, or as many drawn so that each class comes as often as any other",
    default: "each",
    choices: ["each", "balanced"],
    contradicts: balancedInOrder,
  },
  "class-weights": {
    kind: "text",
    group: "Training",
    value: "balanced|A,B,…|FILE",
    about: "the weight of each class in the training loss: by counts, numbers, or a JSON list or object by class",
  },
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
    value: "FILE|RUN|NAME",
    about:
      "start from the weights of a safetensors or PyTorch file, a run's best, or torchvision's published ones: imagenet " +
      "for those of --model, torchvision:NETWORK.WEIGHTS; the head of other classes starts anew, one of the same in " +
      "another order is reordered",
    startsRun: true,
    ofOneRun: true,
  },
  freeze: {
    kind: "text",
    group: "Model",
    value: "PATTERN,…",
    about: "parameters that stay as they are, such as layer1.*; running statistics follow all the same",
  },
  "freeze-stats": {
    kind: "flag",
    group: "Model",
    about: "frozen batch norms normalise by their running statistics and keep them, as PyTorch's in eval()",
    default: false,
    heededBy: beside("freeze", "it is about what --freeze holds, which is not given"),
  },
  "head-epochs": {
    kind: "integer",
    group: "Model",
    about: "train the last layer alone at --lr for the first N epochs, then all by the schedule; defaults to 1 where " +
      "published weights get a new head, else to 0",
    minimum: 0,
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
  distributed: DISTRIBUTED_OPTION,
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
    about: "show on a terminal how far the run is",
    default: true,
    mayChangeOnResume: true,
    ofOneRun: true,
  },
  plain: {
    kind: "flag",
    group: "Output",
    about: "show a line of progress in place of the live view, which needs 80 columns and 16 rows",
    default: false,
    ofOneRun: true,
    ofOneInvocation: true,
  },
  json: {
    kind: "flag",
    group: "Output",
    about: "print each epoch as a line of JSON",
    default: false,
    ofOneRun: true,
    ofOneInvocation: true,
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
export function trainingOptions(values: ChosenValues, stepsPerEpoch: number): Partial<FitOptions> {
  return {
    steps: values.steps,
    earlyStop: values["early-stop"],
    accumulate: values.accumulate ?? "auto",
    syncBatchNorm: values["sync-bn"],
    transport: values.transport as Transport,
    recompute: values.recompute,
    precision: values.precision as Precision,
    freeze: values.freeze?.split(","),
    freezeStatistics: values["freeze-stats"],
    headEpochs: values["head-epochs"],
    ...scheduleOptions(values, stepsPerEpoch),
    ...optimizerOptions(values),
    shuffle: values.shuffle,
    sample: values.sample as "each" | "balanced",
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
  values: ChosenValues,
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
