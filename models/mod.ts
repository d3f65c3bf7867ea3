/**
 * Models: networks as tables of blocks.
 *
 * @module
 */

export * from "./by_name.ts";
export * from "./cifar_resnet.ts";
export * from "./imagenet_resnet.ts";
export * from "./mobilenet_v2.ts";
export * from "./model.ts";
export * from "./summarize.ts";
