/**
 * Training: SGD, schedules, the loop, metrics and checkpoints.
 *
 * @module
 */

export * from "./checkpoint.ts";
export * from "./evaluate.ts";
export * from "./fit.ts";
export * from "./fold_batch_norm.ts";
export * from "./initializers.ts";
export * from "./metrics.ts";
export * from "./run_folder.ts";
export * from "./safetensors.ts";
export * from "./schedule.ts";
export * from "./sgd.ts";
export * from "./trainer.ts";
export * from "./variables.ts";
