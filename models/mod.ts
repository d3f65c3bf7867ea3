/**
 * Models: networks as tables of blocks.
 *
 * @module
 */

export * from "./by_name.ts";
export * from "./cifar_resnet.ts";
export * from "./model.ts";
