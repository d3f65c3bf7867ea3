/**
 * Inference: loading a model, folding batch norm, predicting, evaluating.
 *
 * @module
 */

export * from "./answers.ts";
export * from "./class_metrics.ts";
export * from "./compile_inference.ts";
export * from "./evaluate.ts";
export * from "./explain/mod.ts";
export * from "./fold_batch_norm.ts";
export * from "./load_model.ts";
export * from "./loaded_model.ts";
export * from "./metrics.ts";
