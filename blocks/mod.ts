/**
 * Blocks: what networks are made of. A block records ops in a graph and names its weights as torchvision does.
 *
 * @module
 */

export * from "./conv_norm.ts";
export * from "./head.ts";
export * from "./residual.ts";
export * from "./shortcut.ts";
