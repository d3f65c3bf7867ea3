/** What a set of labelled images is, in memory or anywhere else. */

import { DataError, elementCount } from "../core/mod.ts";
import type { BatchFiller, PreparationOptions } from "./batch_filler.ts";
import type { DecodedImage } from "./formats/decoded_image.ts";
import type { FilesIdentity } from "./identity.ts";
import type { ReadOptions } from "./read_options.ts";

/** The class of each image, from 0: in bytes where there are at most 256 classes. */
export type Labels = Uint8Array | Uint16Array | Uint32Array;

/**
 * Labelled images that are read one by one: implement this to train on images of your own. See `docs/data.md`.
 *
 * @example
 * ```ts
 * import type { Dataset } from "@residua/residua";
 * const greys: Dataset = {
 *   count: 256,
 *   labels: Uint8Array.from({ length: 256 }, (_, grey) => grey < 128 ? 0 : 1),
 *   read: (index) => ({ width: 1, height: 1, pixels: Uint8Array.of(index) }),
 * };
 * console.log(greys.labels[200]); // 1
 * ```
 */
export interface Dataset {
  /** The number of images. */
  readonly count: number;
  /** The class of each image, [count]. */
  readonly labels: Labels;
  /** What tells the set from another with the same labels, so that a run goes on with its own data only. */
  readonly identity?: string | Uint8Array;
  /**
   * Reads an image, of any size, with as many channels as the set's shape says. Reading one again gives the same bytes.
   *
   * @param index Its index, from 0.
   * @param options What is asked of it; a set that ignores it is right, and maybe slower.
   */
  read(index: number, options?: ReadOptions): DecodedImage | Promise<DecodedImage>;
  /**
   * Hears of an image that {@link Dataset.read} did not give, whose place the next one then takes. Without this, and where
   * it throws, the run stops.
   */
  failed?(index: number, error: Error): void;
  /**
   * Identifies the files of the set; the content of files that have sizes and times as before need not be read again.
   *
   * @internal
   */
  identifyFiles?(known?: FilesIdentity): Promise<FilesIdentity | undefined>;
  /**
   * Makes what fills batches from the set, where it has a way of its own, such as workers.
   *
   * @internal
   */
  createFiller?(options: PreparationOptions): BatchFiller;
}

/** Images of one size in memory, and their labels. */
export interface ImageSplit {
  /** The number of images. */
  readonly count: number;
  /** The bytes [count, C, H, W]. */
  readonly pixels: Uint8Array;
  /** The class of each image, from 0. */
  readonly labels: Labels;
}

/** A set of images with classes. */
export interface ImageSet<D extends Dataset = Dataset> {
  /** What it is called, for people. */
  readonly name: string;
  /** The names of the classes. */
  readonly classes: readonly string[];
  /** Channels, height and width of an image as a model sees it. */
  readonly shape: readonly [number, number, number];
  /** What is trained on. */
  readonly train: D;
  /** What is validated on. */
  readonly validation: D;
  /** What is kept apart until a network is finished, where the set has such images with labels. */
  readonly test?: D;
  /** Whether the mirror image of an image is of the same class. */
  readonly mirrorable: boolean;
  /** What its user should know of how it was read: a sentence each, such as which files were left out. */
  readonly notes?: readonly string[];
}

/** An array for the labels of `count` images, as narrow as the number of classes allows. */
export function createLabels(count: number, classes: number): Labels {
  return classes <= 0x100
    ? new Uint8Array(count)
    : classes <= 0x10000
    ? new Uint16Array(count)
    : new Uint32Array(count);
}

/**
 * Images of one size in memory.
 *
 * @example
 * ```ts
 * import { MemoryDataset } from "@residua/residua";
 * const two = new MemoryDataset([3, 1, 1], Uint8Array.of(1, 2, 3, 4, 5, 6), Uint8Array.of(0, 1));
 * console.log(two.read(1).pixels); // Uint8Array(3) [ 4, 5, 6 ]
 * ```
 */
export class MemoryDataset implements Dataset, ImageSplit {
  /** The number of images. */
  readonly count: number;
  /** The bytes [count, C, H, W]. */
  readonly pixels: Uint8Array;
  /** The class of each image, [count]. */
  readonly labels: Labels;
  readonly #shape: readonly [number, number, number];

  /**
   * Takes the images as they are; nothing is copied.
   *
   * @param shape Channels, height and width of an image.
   * @param pixels The bytes [count, C, H, W].
   * @param labels The class of each image, [count].
   * @throws {DataError} If there are not as many bytes as the shape and the labels say.
   */
  constructor(shape: readonly [number, number, number], pixels: Uint8Array, labels: Labels) {
    if (pixels.length !== labels.length * elementCount(shape)) {
      throw new DataError(
        `Expected ${labels.length} images of ${
          shape.join("x")
        } bytes, as many as labels, but there are ${pixels.length} bytes`,
      );
    }
    this.count = labels.length;
    this.pixels = pixels;
    this.labels = labels;
    this.#shape = shape;
  }

  /** The pixels. */
  get identity(): Uint8Array {
    return this.pixels;
  }

  /** Copies an image, its channels side by side. */
  read(index: number): DecodedImage {
    const [channels, height, width] = this.#shape, plane = height * width, from = index * channels * plane;
    const pixels = new Uint8Array(channels * plane);
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < plane; i++) pixels[i * channels + c] = this.pixels[from + c * plane + i];
    }
    return { width, height, pixels };
  }
}
