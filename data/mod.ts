/**
 * Data: image sets, augmentation, normalisation and batches.
 *
 * @module
 */

export * from "./augment/augmentation.ts";
export * from "./batch_filler.ts";
export * from "./batch_loader.ts";
export * from "./batcher.ts";
export * from "./class_balance.ts";
export * from "./formats/cifar10.ts";
export * from "./formats/cifar100.ts";
export { readCifarPython } from "./formats/cifar_python.ts";
export * from "./dataset.ts";
export * from "./epoch_order.ts";
export * from "./formats/decode_blob.ts";
export * from "./formats/decoded_image.ts";
export * from "./formats/file_source.ts";
export * from "./formats/folder.ts";
export * from "./formats/idx.ts";
export * from "./formats/image_cache.ts";
export * from "./formats/image_input.ts";
export * from "./formats/image_list.ts";
export { findImageFiles, LeftOut } from "./formats/image_tree.ts";
export { drawBeta, mixes, mixImages, type Mixture, type MixtureOptions } from "./augment/mixture.ts";
export * from "./identity.ts";
export * from "./image_set_of.ts";
export * from "./imagenet_classes.ts";
export * from "./match_classes.ts";
export { lackOfMemory } from "./_lack_of_memory.ts";
export * from "./least_size.ts";
export * from "./normalisation.ts";
export * from "./formats/open.ts";
export * from "./formats/path_list.ts";
export * from "./pickle/dialect.ts";
export * from "./pickle/read_pickle.ts";
export * from "./pickle/values.ts";
export * from "./pipeline.ts";
export * from "./preprocessing.ts";
export * from "./rank_order.ts";
export * from "./read_options.ts";
export { randAugment, type RandAugmentOptions } from "./augment/rand_augment.ts";
export * from "./resident_images.ts";
export * from "./resize/resize.ts";
export * from "./drawn_shapes/set.ts";
export * from "./statistics.ts";
export * from "./augment/tensor_transforms.ts";
export * from "./augment/transforms.ts";
export * from "./typical_side.ts";
