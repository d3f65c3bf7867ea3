/**
 * Data: image sets, augmentation, normalisation and batches.
 *
 * @module
 */

export * from "./augmentation.ts";
export * from "./batch.ts";
export * from "./cifar10.ts";
export * from "./cifar100.ts";
export * from "./dataset.ts";
export * from "./decoded_image.ts";
export * from "./file_source.ts";
export * from "./idx.ts";
export * from "./normalisation.ts";
export * from "./open.ts";
export * from "./resize.ts";
export * from "./shapes.ts";
