/**
 * Models: networks as tables of blocks.
 *
 * @module
 */

export * from "./by_name.ts";
export { cifarResNet, type CifarResNetOptions } from "./cifar_resnet.ts";
export { IMAGENET_DEPTHS, imageNetResNet, type ImageNetResNetOptions } from "./imagenet_resnet.ts";
export * from "./mobilenet_v2.ts";
export * from "./model.ts";
export * from "./summarize.ts";
export * from "./table.ts";
