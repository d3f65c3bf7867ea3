/**
 * The ops. Importing this module registers them all.
 *
 * @module
 */

export type { PoolAttributes, PoolGradientAttributes } from "./_pool.ts";
export * from "./adamw_update.ts";
export * from "./add.ts";
export * from "./all_reduce.ts";
export * from "./average_pool2d.ts";
export * from "./average_update.ts";
export * from "./batch_norm/mod.ts";
export * from "./cast.ts";
export * from "./channel_sum.ts";
export * from "./conv2d/mod.ts";
export * from "./dropout.ts";
export * from "./gather_images.ts";
export * from "./global_average_pool.ts";
export * from "./gradient_clipping.ts";
export * from "./linear.ts";
export * from "./loss_scaling.ts";
export * from "./max_pool2d.ts";
export * from "./relu.ts";
export * from "./relu6.ts";
export * from "./rmsprop_update.ts";
export * from "./same_padding.ts";
export * from "./sgd_update.ts";
export * from "./soft_target_cross_entropy.ts";
export * from "./softmax_cross_entropy.ts";
export * from "./subsample_pad.ts";
export * from "./top_k_correct.ts";
