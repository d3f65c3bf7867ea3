/** From the images of any {@link Dataset} to tensors, one by one, with every kind of augmentation. */

import { DataError, elementCount, Random } from "../core/mod.ts";
import { colourOffsets, type OffsetDraw } from "./augment/_colour_offsets.ts";
import { ShiftDraw } from "./augment/_shift_draw.ts";
import { lackOfMemory } from "./_lack_of_memory.ts";
import { TensorWriter } from "./_tensor_writer.ts";
import { Batcher } from "./batcher.ts";
import { allocateImages, type BatchFiller, type ImageBatch, type PreparationOptions } from "./batch_filler.ts";
import { type Dataset, MemoryDataset } from "./dataset.ts";
import type { DecodedImage } from "./formats/decoded_image.ts";
import { expectMixture, mixes, mixImages, type MixtureOptions } from "./augment/mixture.ts";
import { leastSize } from "./least_size.ts";
import { defaultPreprocessing, type Preprocessing } from "./preprocessing.ts";
import type { ReadOptions } from "./read_options.ts";
import { randAugment } from "./augment/rand_augment.ts";
import { resizeAndCrop } from "./resize/resize.ts";
import { randomErasing, type TensorTransform } from "./augment/tensor_transforms.ts";
import { type ImageTransform, randomResizedCrop, scaleJitter } from "./augment/transforms.ts";

/** The streams of all changes but crops within padding and mirroring. */
const STREAM = "augmentation";
const MIXTURE_STREAM = "mixture";
/** Batches in work while another is in use. */
const AHEAD = 2;
/** Images in work at a time, where reading takes time. */
const LANES = 4;

/**
 * Prepares the images of a set. What an image becomes depends on nothing but the seed, the epoch, its index in the set and
 * its bytes. The place of one that cannot be read is taken by the next that can, under its own label.
 */
export class ImagePipeline {
  readonly #dataset: Dataset;
  readonly #shape: readonly [number, number, number];
  readonly #seed: number;
  readonly #reading: ReadOptions;
  readonly #writer: TensorWriter;
  readonly #shifts: ShiftDraw;
  readonly #crop: ImageTransform | undefined;
  readonly #preprocessing: Preprocessing | undefined;
  readonly #imageTransforms: readonly ImageTransform[];
  readonly #offsets: OffsetDraw | undefined;
  readonly #erasing: TensorTransform | undefined;
  readonly #mixture: MixtureOptions;
  /** Memory for images that are mixed into others. */
  readonly #spare: Float32Array[] = [];

  /**
   * Makes ready what every image needs.
   *
   * @throws {DataError} If the set is empty, or the normalisation is not for such images.
   * @throws {UsageError} If an option of the augmentation makes no sense.
   */
  constructor(dataset: Dataset, options: PreparationOptions) {
    const { shape, normalisation, augmentation = { padding: 0, flip: false }, seed = 0 }: PreparationOptions = options;
    if (dataset.count === 0) throw new DataError("Expected images to prepare but the set is empty");
    const { scale, area } = augmentation, size = [shape[1], shape[2]] as const;
    this.#dataset = dataset;
    this.#shape = shape;
    this.#seed = seed;
    this.#preprocessing = options.preprocessing;
    this.#reading = { least: leastSize(shape, augmentation, options.preprocessing), once: options.once };
    this.#writer = new TensorWriter(shape, normalisation);
    this.#shifts = new ShiftDraw(augmentation, seed);
    if (scale !== undefined) this.#crop = scaleJitter(...scale, size);
    else if (area !== undefined) this.#crop = randomResizedCrop(size, { area });
    this.#imageTransforms = [
      ...(augmentation.randAugment === undefined ? [] : [randAugment(augmentation.randAugment)]),
      ...(augmentation.transforms ?? []),
    ];
    if (augmentation.colourShift !== undefined) {
      const { components, deviation } = augmentation.colourShift;
      this.#offsets = colourOffsets(components, deviation, normalisation.std);
    }
    if (augmentation.erasing !== undefined) this.#erasing = randomErasing({ probability: augmentation.erasing });
    expectMixture(augmentation);
    this.#mixture = augmentation;
  }

  /**
   * Prepares an image.
   *
   * @param index Its index in the set, or more, as {@link BatchFiller.fill} takes it.
   * @param epoch The epoch, from which the random changes follow.
   * @param tensor Receives [C, H, W].
   * @param offset Where in `tensor`.
   * @returns Its label, or a promise of it where the set reads in time.
   */
  prepare(index: number, epoch: number, tensor: Float32Array, offset: number): number | Promise<number> {
    const source = index % this.#dataset.count;
    try {
      const image = this.#dataset.read(source, this.#reading);
      if (!(image instanceof Promise)) return this.#write(image, source, index, epoch, tensor, offset);
      return image.then((image) => this.#write(image, source, index, epoch, tensor, offset))
        .catch((error) => this.#replace(index, error, epoch, tensor, offset));
    } catch (error) {
      return this.#replace(index, error as Error, epoch, tensor, offset);
    }
  }

  /**
   * Prepares an image of a batch.
   *
   * @param k Its index in the batch.
   * @param index Its index in the set.
   * @param epoch The epoch.
   * @param batch Receives it, its label, and what is mixed into it if there is room for that.
   */
  async prepareInto(k: number, index: number, epoch: number, { images, labels, mixture }: ImageBatch): Promise<void> {
    const size = elementCount(this.#shape);
    labels[k] = await this.prepare(index, epoch, images, k * size);
    if (mixture === undefined) return;
    const random = new Random(this.#seed, MIXTURE_STREAM, [index, epoch]);
    const other = this.#spare.pop() ?? new Float32Array(size);
    mixture.labels[k] = await this.prepare(random.integer(this.#dataset.count), epoch, other, 0);
    const image = images.subarray(k * size, (k + 1) * size);
    mixture.shares[k] = mixImages(image, other, this.#shape, this.#mixture, random);
    this.#spare.push(other);
  }

  /** Prepares the first readable image after `index` in its place. */
  async #replace(index: number, error: Error, epoch: number, tensor: Float32Array, offset: number): Promise<number> {
    const { count } = this.#dataset;
    // Another image would need it too.
    const expectMemory = (source: number) => {
      const lack = lackOfMemory(`image ${source}`, error);
      if (lack !== undefined) throw lack;
    };
    expectMemory(index % count);
    for (let step = 1; step <= count; step++) {
      if (this.#dataset.failed === undefined) throw error;
      this.#dataset.failed((index + step - 1) % count, error);
      const source = (index + step) % count;
      try {
        return this.#write(await this.#dataset.read(source, this.#reading), source, index, epoch, tensor, offset);
      } catch (next) {
        error = next as Error;
        expectMemory(source);
      }
    }
    throw new DataError(`None of the ${count} images can be read; of the last one: ${error.message}`);
  }

  /** Changes and writes the image read at `source` in the place of `index`. */
  #write(
    image: DecodedImage,
    source: number,
    index: number,
    epoch: number,
    tensor: Float32Array,
    offset: number,
  ): number {
    const [channels, height, width] = this.#shape, size = elementCount(this.#shape);
    if (image.pixels.length !== image.width * image.height * channels) {
      throw new DataError(
        `Image ${source}: expected ${channels} bytes for each of ${image.width} x ${image.height} pixels ` +
          `but there are ${image.pixels.length} bytes`,
      );
    }
    const random = new Random(this.#seed, STREAM, [index, epoch]);
    if (this.#crop !== undefined) image = this.#crop(image, random);
    else if (this.#preprocessing !== undefined || image.width !== width || image.height !== height) {
      const { resize, crop, interpolation } = this.#preprocessing ?? defaultPreprocessing(this.#shape);
      image = resizeAndCrop(image, resize, crop, interpolation);
    }
    for (const transform of this.#imageTransforms) image = transform(image, random);
    const layout = { base: 0, pixel: channels, channel: 1 }, shift = this.#shifts.draw(index, epoch);
    this.#writer.write(image.pixels, layout, shift, tensor, offset, this.#offsets?.(random));
    this.#erasing?.(tensor.subarray(offset, offset + size), this.#shape, random);
    return this.#dataset.labels[source];
  }
}

/** Fills batches on this thread. */
class PipelineFiller implements BatchFiller {
  readonly ahead = AHEAD;
  readonly #options: PreparationOptions;
  readonly #pipeline: ImagePipeline;

  constructor(dataset: Dataset, options: PreparationOptions) {
    this.#options = options;
    this.#pipeline = new ImagePipeline(dataset, options);
  }

  allocate(count: number): ImageBatch {
    const { shape, augmentation = {} } = this.#options;
    return allocateImages(count, shape, { mixed: mixes(augmentation) });
  }

  async fill(indices: Uint32Array, epoch: number, batch: ImageBatch): Promise<void> {
    let next = 0;
    const work = async () => {
      while (next < indices.length) {
        const k = next++;
        await this.#pipeline.prepareInto(k, indices[k], epoch, batch);
      }
    };
    await Promise.all(Array.from({ length: LANES }, work));
  }

  close(): void {}
}

/** Whether images lie in memory, have the shape, and are cropped and mirrored and no more. */
export function isPlain(
  dataset: Dataset,
  { augmentation, preprocessing }: PreparationOptions,
): dataset is MemoryDataset {
  if (preprocessing !== undefined) return false;
  const { padding: _, flip: __, ...more } = augmentation ?? { padding: 0, flip: false };
  return dataset instanceof MemoryDataset && Object.values(more).every((value) => value === undefined);
}

/**
 * What fills batches from a set: of its own where it has one, plain where images in memory are cropped and mirrored and no
 * more, else a pipeline on this thread.
 */
export function createFiller(dataset: Dataset, options: PreparationOptions): BatchFiller {
  if (dataset.createFiller !== undefined) return dataset.createFiller(options);
  return isPlain(dataset, options) ? new Batcher({ ...options, split: dataset }) : new PipelineFiller(dataset, options);
}
