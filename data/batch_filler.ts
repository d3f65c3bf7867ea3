/** Batches, and the interface of what fills them. */

import { elementCount } from "../core/mod.ts";
import type { Augmentation } from "./augment/augmentation.ts";
import type { Mixture } from "./augment/mixture.ts";
import type { Normalisation } from "./normalisation.ts";
import type { Preprocessing } from "./preprocessing.ts";

/** Normalised images and their labels. */
export interface ImageBatch {
  /** [batch, C, H, W]. */
  readonly images: Float32Array;
  /** [batch]. */
  readonly labels: Uint32Array;
  /** The images mixed into these, where the augmentation mixes them. */
  readonly mixture?: Mixture;
}

/** Views of images that lie on the device, and their labels. */
export interface ViewBatch {
  /** [batch, 4]: what gatherImages makes the images of. */
  readonly views: Uint32Array;
  /** [batch]. */
  readonly labels: Uint32Array;
}

/** A batch, as a training step is fed with it. */
export type Batch = ImageBatch | ViewBatch;

/** How images become tensors. */
export interface PreparationOptions {
  /** Channels, height and width of a tensor. */
  readonly shape: readonly [number, number, number];
  /** The mean and standard deviation of each channel. */
  readonly normalisation: Normalisation;
  /** The random changes. Defaults to none. */
  readonly augmentation?: Augmentation;
  /** The seed of the changes. Defaults to 0. */
  readonly seed?: number;
  /**
   * How images that no augmentation crops are brought to the shape. Defaults to the usual way for its size, and to nothing
   * for images that have it.
   */
  readonly preprocessing?: Preprocessing;
  /** Whether no image will be wanted again, so that a set need not keep it. Defaults to false. */
  readonly once?: boolean;
}

/** Fills batches, at once or asynchronously. */
export interface BatchFiller<B extends Batch = ImageBatch> {
  /** The number of batches that may be in work while another is in use: 0 where `fill` is done at once. */
  readonly ahead: number;
  /** Makes room for a batch of `count` images. */
  allocate(count: number): B;
  /**
   * Writes augmented images and their labels.
   *
   * @param indices The images' indices in the set, [batch]. One of the number of images or more means the image that its
   * remainder is the index of, changed in another way.
   * @param epoch The epoch, from which the random changes follow.
   * @param batch Receives them; it is one that {@link BatchFiller.allocate} made.
   */
  fill(indices: Uint32Array, epoch: number, batch: B): void | Promise<void>;
  /** Ends the workers, if there are any. */
  close(): void;
}

/**
 * Makes room for a batch of images.
 *
 * @param count The number of images.
 * @param shape The shape of each.
 * @param options `mixed`: whether there is room for a mixture; `shared`: whether workers reach the memory.
 *
 * @example
 * ```ts
 * import { allocateImages } from "@residua/residua/data";
 * console.log(allocateImages(2, [3, 8, 8]).images.length); // 384
 * ```
 */
export function allocateImages(
  count: number,
  shape: readonly number[],
  { mixed = false, shared = false }: { readonly mixed?: boolean; readonly shared?: boolean } = {},
): ImageBatch {
  const room = (length: number) => shared ? new SharedArrayBuffer(4 * length) : new ArrayBuffer(4 * length);
  const batch = {
    images: new Float32Array(room(elementCount([count, ...shape]))),
    labels: new Uint32Array(room(count)),
  };
  if (!mixed) return batch;
  return { ...batch, mixture: { labels: new Uint32Array(room(count)), shares: new Float32Array(room(count)) } };
}
