/** The options of `train`, and what they mean to the library. */

import type { Precision, Transport } from "../../core/mod.ts";
import type { FitOptions } from "../../train/mod.ts";
import { TUNE_OPTION } from "../tuning/tune_option.ts";
import type { ChosenValues } from "./chosen_values.ts";
import { DISTRIBUTED_OPTION, TOGETHER_OPTIONS } from "./distributed_options.ts";
import { AUGMENTATION_OPTIONS, DATA_OPTIONS } from "./image_options.ts";
import { INITIAL_OPTIONS } from "./initial_options.ts";
import { MEMORY_OPTIONS } from "./memory_options.ts";
import { NETWORK_OPTIONS } from "./network_options.ts";
import { OPTIMIZER_OPTIONS, optimizerOptions } from "./optimizer_options.ts";
import { type Condition, MOST, type Values } from "./option.ts";
import { OUTPUT_OPTIONS } from "./output_options.ts";
import { RECIPES } from "./recipes.ts";
import { SAMPLING_OPTIONS } from "./sampling_options.ts";
import { checkpointOptions, SAVING_OPTIONS } from "./saving_options.ts";
import { SCHEDULE_OPTIONS, scheduleOptions } from "./schedule_options.ts";
import { BACKEND_OPTIONS, MODEL_OPTION, PRECISION_OPTION } from "./shared_options.ts";

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
  ...MEMORY_OPTIONS,
  ...SCHEDULE_OPTIONS,
  ...OPTIMIZER_OPTIONS,
  ...AUGMENTATION_OPTIONS,
  ...SAMPLING_OPTIONS,
  ...NETWORK_OPTIONS,
  seed: {
    kind: "integer",
    group: "Training",
    about: "the seed of weights, order and augmentation",
    default: 0,
    minimum: 0,
  },
  ...INITIAL_OPTIONS,
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
  ...OUTPUT_OPTIONS,
} as const;

/** Their values. */
export type TrainValues = Values<typeof TRAIN_OPTIONS>;

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
    checkpoints: checkpointOptions(values),
  };
}
