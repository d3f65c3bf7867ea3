/** What is measured on a training set: means, deviations, the principal components of colour. */

import { DataError, elementCount } from "../core/mod.ts";
import { BatchLoader } from "./batch_loader.ts";
import { type Dataset, type ImageSplit, MemoryDataset } from "./dataset.ts";
import type { Normalisation } from "./normalisation.ts";

/** The principal components of colour, the largest first. */
export interface ColourComponents {
  /** The variance along each, of colours from 0 to 1. */
  readonly variances: readonly number[];
  /** The unit vectors, [component][channel]. */
  readonly directions: readonly (readonly number[])[];
}

/** The names of the normalisations that a set can have. */
export const NORMALISATIONS = ["channel", "channel-mean", "pixel"] as const;

/** A set that is not in memory is measured on as many images as this, spread evenly over it. */
const MOST_IMAGES = 2000;

/** Sums over the pixels of images, which are whole numbers, so that their order makes no difference. */
export class ImageStatistics {
  /** The number of images that were measured. */
  count = 0;
  readonly #shape: readonly [number, number, number];
  readonly #sums: Float64Array;
  readonly #products: Float64Array;
  readonly #pixelSums: Float64Array;

  /**
   * Has measured nothing yet.
   *
   * @param shape Channels, height and width of an image.
   */
  constructor(shape: readonly [number, number, number]) {
    this.#shape = shape;
    this.#sums = new Float64Array(shape[0]);
    this.#products = new Float64Array(shape[0] ** 2);
    this.#pixelSums = new Float64Array(elementCount(shape));
  }

  /**
   * Takes in an image.
   *
   * @param values Whole numbers from 0 to 255, [C, H, W].
   * @param offset The index of the image's first element in `values`.
   */
  add(values: ArrayLike<number>, offset: number): void {
    const [channels, height, width] = this.#shape, plane = height * width;
    this.count++;
    for (let c = 0; c < channels; c++) {
      for (let d = c; d < channels; d++) {
        let products = 0;
        for (let i = 0; i < plane; i++) products += values[offset + c * plane + i] * values[offset + d * plane + i];
        this.#products[c * channels + d] += products;
      }
      let sum = 0;
      for (let i = c * plane; i < (c + 1) * plane; i++) {
        sum += values[offset + i];
        this.#pixelSums[i] += values[offset + i];
      }
      this.#sums[c] += sum;
    }
  }

  /**
   * The normalisation of that name:
   *
   * - `channel`: the mean and the standard deviation of each channel;
   * - `channel-mean`: the mean of each channel, undivided, as VGG's;
   * - `pixel`: the mean of each pixel in each channel, as He et al. 2015, divided by the channel's standard deviation.
   */
  normalisation(kind: (typeof NORMALISATIONS)[number]): Normalisation {
    const [channels, height, width] = this.#shape, count = this.count * height * width;
    const mean = Array.from(this.#sums, (sum) => sum / count / 255);
    const std = Array.from(this.#sums, (sum, c) => {
      const average = sum / count;
      return Math.sqrt(Math.max(0, this.#products[c * channels + c] / count - average * average)) / 255 || 1;
    });
    if (kind === "channel-mean") return { mean, std: mean.map(() => 1) };
    return kind === "pixel"
      ? { mean: Array.from(this.#pixelSums, (sum) => sum / this.count / 255), std }
      : { mean, std };
  }

  /** The principal components of colour: the eigenvectors of the channels' covariance. */
  components(): ColourComponents {
    const [channels, height, width] = this.#shape, count = this.count * height * width;
    const covariance = Array.from({ length: channels }, (_, c) =>
      Array.from({ length: channels }, (_, d) => {
        const product = this.#products[Math.min(c, d) * channels + Math.max(c, d)];
        return (product / count - this.#sums[c] * this.#sums[d] / count / count) / 255 ** 2;
      }));
    const { values, vectors } = symmetricEigen(covariance);
    const order = values.map((_, i) => i).sort((a, b) => values[b] - values[a]);
    return {
      variances: order.map((i) => Math.max(0, values[i])),
      directions: order.map((i) => vectors[i]),
    };
  }
}

/** The eigenvalues and unit eigenvectors of a symmetric matrix, by Jacobi's rotations. */
function symmetricEigen(matrix: number[][]): { values: number[]; vectors: number[][] } {
  const n = matrix.length, a = matrix.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((_, j) => Number(i === j)));
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p][q] === 0) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const cosine = 1 / Math.sqrt(t * t + 1), sine = t * cosine;
        for (let k = 0; k < n; k++) [a[k][p], a[k][q]] = rotate(a[k][p], a[k][q], cosine, sine);
        for (let k = 0; k < n; k++) [a[p][k], a[q][k]] = rotate(a[p][k], a[q][k], cosine, sine);
        for (let k = 0; k < n; k++) {
          [vectors[p][k], vectors[q][k]] = rotate(vectors[p][k], vectors[q][k], cosine, sine);
        }
      }
    }
  }
  return { values: a.map((row, i) => row[i]), vectors };
}

function rotate(x: number, y: number, cosine: number, sine: number): [number, number] {
  return [cosine * x - sine * y, sine * x + cosine * y];
}

/**
 * Measures a set: all of its images where they are in memory, else as many as 2,000, spread evenly over it, cropped to the
 * middle.
 *
 * @param dataset The images.
 * @param shape Channels, height and width as a model sees them.
 * @param onProgress Hears how many images are measured, of how many, where they are not in memory.
 * @throws {DataError} If the set is empty.
 *
 * @example
 * ```ts
 * import { measureImages, shapesSet } from "@residua/residua";
 * const { train, shape } = shapesSet({ trainCount: 20, validationCount: 0 });
 * console.log((await measureImages(train, shape)).normalisation("channel").mean.length); // 3
 * ```
 */
export async function measureImages(
  dataset: Dataset,
  shape: readonly [number, number, number],
  onProgress: (done: number, total: number) => void = () => {},
): Promise<ImageStatistics> {
  if (dataset instanceof MemoryDataset) return measureSplit(dataset, shape);
  expectImages(dataset.count);
  const statistics = new ImageStatistics(shape), size = elementCount(shape), batch = Math.min(32, dataset.count);
  const measured = Math.min(MOST_IMAGES, dataset.count), batches = Math.ceil(measured / batch);
  const order = Uint32Array.from(
    { length: batches * batch },
    (_, k) => Math.floor(Math.min(k, measured - 1) * dataset.count / measured),
  );
  // A mean of 0 and a deviation of 1/255 give the bytes back, exactly.
  const channels = new Array<number>(shape[0]);
  const normalisation = { mean: channels.slice().fill(0), std: channels.fill(1 / 255) };
  const loader = new BatchLoader({
    dataset,
    shape,
    normalisation,
    batch,
    epochs: 1,
    once: true,
    order: () => order,
  });
  try {
    for (let k = 0; k < batches; k++) {
      const { images } = await loader.fetch(0, k);
      for (let i = 0; i < batch && k * batch + i < measured; i++) statistics.add(images, i * size);
      onProgress(statistics.count, measured);
    }
    return statistics;
  } finally {
    await loader.close();
  }
}

/**
 * Measures images in memory.
 *
 * @throws {DataError} If there are none.
 */
export function measureSplit(split: ImageSplit, shape: readonly [number, number, number]): ImageStatistics {
  expectImages(split.count);
  const statistics = new ImageStatistics(shape), size = elementCount(shape);
  for (let n = 0; n < split.count; n++) statistics.add(split.pixels, n * size);
  return statistics;
}

function expectImages(count: number): void {
  if (count > 0) return;
  throw new DataError("Expected images to measure the mean and deviation of but the split is empty");
}

/**
 * Measures each channel's mean and deviation. Sums of bytes are exact, so the order of the images makes no difference.
 *
 * @param split The images.
 * @param shape Channels, height and width of an image.
 * @throws {DataError} If the split is empty.
 *
 * @example
 * ```ts
 * import { measureNormalisation } from "@residua/residua/data";
 * const split = { count: 2, pixels: new Uint8Array([0, 255]), labels: new Uint8Array(2) };
 * console.log(measureNormalisation(split, [1, 1, 1])); // { mean: [ 0.5 ], std: [ 0.5 ] }
 * ```
 */
export function measureNormalisation(split: ImageSplit, shape: readonly [number, number, number]): Normalisation {
  return measureSplit(split, shape).normalisation("channel");
}
