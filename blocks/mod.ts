/**
 * Blocks: what networks are made of. A block records ops in a graph and names its weights as torchvision does.
 *
 * @module
 */

export * from "./bottleneck.ts";
export * from "./conv_norm.ts";
export * from "./downsampling.ts";
export * from "./dropout.ts";
export * from "./head.ts";
export * from "./inverted_residual.ts";
export * from "./pre_activation.ts";
export * from "./residual.ts";
export * from "./shortcut.ts";
export * from "./stem.ts";
