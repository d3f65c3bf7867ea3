/** What makes up for classes of which there are more images than of others: weights of the loss, or the choice of images. */

import { Random } from "../core/mod.ts";
import type { Labels } from "./dataset.ts";

/**
 * Weights of classes by which each class has the same share of the loss: images / (classes · images of the class), as
 * `sklearn.utils.class_weight.compute_class_weight("balanced", …)`. A class without images has 1.
 *
 * @param labels The class of each image.
 * @param classes The number of classes.
 *
 * @example
 * ```ts
 * import { balancedClassWeights } from "@residua/residua/data";
 * console.log(balancedClassWeights(Uint8Array.of(0, 0, 0, 1), 2)[1]); // 2
 * ```
 */
export function balancedClassWeights(labels: Labels, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]++;
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => count === 0 ? 1 : labels.length / (present * count));
}

/**
 * An epoch of images that are drawn with replacement, each class as often as any other, as
 * `torch.utils.data.WeightedRandomSampler` does with the inverse of the number of images of a class as weights.
 *
 * @param labels The class of each image.
 * @param seed The seed of the draws.
 * @param epoch The epoch, from 0; each has draws of its own.
 * @returns As many indices as images. One that is drawn again has the number of images added to it each time, by which a
 * `BatchFiller` changes it in another way.
 *
 * @example
 * ```ts
 * import { balancedOrder } from "@residua/residua/data";
 * const labels = Uint8Array.of(0, 0, 0, 1);
 * console.log([...balancedOrder(labels, 0, 0)].map((index) => labels[index % 4]).length); // 4
 * ```
 */
export function balancedOrder(labels: Labels, seed: number, epoch: number): Uint32Array {
  const { length: count } = labels, byClass: number[][] = [];
  labels.forEach((label: number, index: number) => (byClass[label] ??= []).push(index));
  const classes = byClass.filter((images) => images !== undefined);
  const random = new Random(seed, `balanced sample of epoch ${epoch}`), drawn = new Uint32Array(count);
  // Beyond 32 bits a change may come again.
  const distinct = Math.max(1, Math.floor(2 ** 32 / count));
  return Uint32Array.from({ length: count }, () => {
    const images = classes[random.integer(classes.length)], index = images[random.integer(images.length)];
    return index + drawn[index]++ % distinct * count;
  });
}
