/**
 * Data: image sets, augmentation, normalisation and batches.
 *
 * @module
 */

export * from "./augmentation.ts";
export * from "./batch.ts";
export * from "./batch_loader.ts";
export * from "./cifar10.ts";
export * from "./cifar100.ts";
export * from "./dataset.ts";
export * from "./decoded_image.ts";
export * from "./file_source.ts";
export * from "./folder.ts";
export * from "./idx.ts";
export * from "./image_input.ts";
export { drawBeta, mixes, mixImages, type Mixture, type MixtureOptions } from "./mixture.ts";
export * from "./normalisation.ts";
export * from "./open.ts";
export * from "./path_list.ts";
export * from "./pipeline.ts";
export * from "./preprocessing.ts";
export { randAugment, type RandAugmentOptions } from "./rand_augment.ts";
export * from "./resident_images.ts";
export * from "./resize.ts";
export * from "./shapes.ts";
export * from "./statistics.ts";
export * from "./tensor_transforms.ts";
export * from "./transforms.ts";
