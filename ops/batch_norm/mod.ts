/** Batch norm: in training, with running statistics, and the forms that the planner fuses. */

export type { BatchNormAttributes } from "./norm_shape.ts";
export * from "./gradient.ts";
export * from "./inference.ts";
export * from "./moments.ts";
export {
  batchNormRecompute,
  batchNormRecomputeAddRelu,
  type BatchNormRecomputeAttributes,
  batchNormRecomputeRelu,
  batchNormRecomputeRelu6,
} from "./recompute.ts";
export * from "./sync.ts";
export * from "./training.ts";
