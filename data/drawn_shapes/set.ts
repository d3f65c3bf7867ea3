/** The built-in set: ten classes of coloured shapes, drawn on demand, so that training needs no download. */

import { Random, UsageError } from "../../core/mod.ts";
import { drawImage, SHAPES, SIZE } from "./draw.ts";
import { type ImageSet, MemoryDataset } from "../dataset.ts";

/** The options of {@link shapesSet}. */
export interface ShapesOptions {
  /** Training images. Defaults to 2,560. */
  readonly trainCount?: number;
  /** Validation images. Defaults to 1,000. */
  readonly validationCount?: number;
  /** The seed of the images. Defaults to 0. The validation images come from another stream. */
  readonly seed?: number;
}

/**
 * Draws the set: 32x32 images in colour of circles, rings, squares, frames, triangles, stars, crosses, crescents,
 * hourglasses and bars, at random positions, turns, sizes and colours, among clutter and noise. Image k is of class k mod 10
 * and depends on nothing but the seed, the split and k.
 *
 * @throws {UsageError} If a count is not a whole number of at least 0.
 *
 * @example
 * ```ts
 * import { shapesSet } from "@residua/residua";
 * console.log(shapesSet({ trainCount: 20, validationCount: 10 }).train.labels[13]); // 3
 * ```
 */
export function shapesSet(options: ShapesOptions = {}): ImageSet<MemoryDataset> {
  const { trainCount = 2560, validationCount = 1000, seed = 0 } = options;
  checkCount("trainCount", trainCount);
  checkCount("validationCount", validationCount);
  return {
    name: "shapes",
    classes: Object.keys(SHAPES),
    shape: [3, SIZE, SIZE],
    train: drawSplit(trainCount, seed, "train"),
    validation: drawSplit(validationCount, seed, "validation"),
    mirrorable: true,
  };
}

function checkCount(option: string, count: number): void {
  if (Number.isInteger(count) && count >= 0) return;
  throw new UsageError(`shapesSet: expected ${option} to be a whole number of at least 0 but it is ${count}`);
}

function drawSplit(count: number, seed: number, split: string): MemoryDataset {
  const pixels = new Uint8Array(count * 3 * SIZE * SIZE),
    labels = new Uint8Array(count),
    shapes = Object.values(SHAPES);
  for (let k = 0; k < count; k++) {
    labels[k] = k % shapes.length;
    drawImage(shapes[labels[k]], new Random(seed, `shapes ${split} ${k}`), pixels, k * 3 * SIZE * SIZE);
  }
  return new MemoryDataset([3, SIZE, SIZE], pixels, labels);
}
