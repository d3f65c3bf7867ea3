/**
 * Weights: safetensors and PyTorch's files, checkpoints, a model's variables, and how they start.
 *
 * @module
 */

export * from "./aligned_head.ts";
export * from "./checkpoint.ts";
export * from "./evaluated_tensors.ts";
export * from "./infer_options.ts";
export * from "./initializers.ts";
export * from "./library_config.ts";
export * from "./mismatched_head.ts";
export * from "./progress.ts";
export * from "./published.ts";
export * from "./safetensors.ts";
export * from "./sharded.ts";
export { decodeTorchFile } from "./torch_file.ts";
export * from "./variables.ts";
