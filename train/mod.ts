/**
 * Training: optimisers, schedules, the loop, metrics and checkpoints.
 *
 * @module
 */

export * from "./checkpoint.ts";
export * from "./data_identity.ts";
export * from "./evaluate.ts";
export * from "./events.ts";
export * from "./fit.ts";
export * from "./fold_batch_norm.ts";
export * from "./foreign_head.ts";
export * from "./freeze.ts";
export * from "./inference.ts";
export * from "./initializers.ts";
export * from "./load_model.ts";
export * from "./loaded_model.ts";
export * from "./memory.ts";
export * from "./metrics.ts";
export * from "./optimizer.ts";
export * from "./plateau.ts";
export * from "./rmsprop.ts";
export * from "./run_folder.ts";
export * from "./safetensors.ts";
export * from "./schedule.ts";
export * from "./sgd.ts";
export * from "./step_schedules.ts";
export * from "./torch_file.ts";
export * from "./trainer.ts";
export * from "./variables.ts";
export * from "./warm_up.ts";
