/** What is in an image set: counts, sizes, damaged files, statistics, samples. */

import { ImagePipeline, type ImageSet, lackOfMemory, type PreparationOptions } from "../../data/mod.ts";
import type { SheetRow } from "./contact_sheet.ts";
import { discard, readAhead } from "../../images/mod.ts";

/** The least, the middle and the greatest of some numbers. */
export interface Spread {
  /** The least. */
  readonly minimum: number;
  /** The lower of the two in the middle, where there are two. */
  readonly median: number;
  /** The greatest. */
  readonly maximum: number;
}

/** What reading the images has shown. */
export interface ImageSurvey {
  /** The number of images that were read. */
  readonly images: number;
  /** Their widths. */
  readonly width: Spread | undefined;
  /** Their heights. */
  readonly height: Spread | undefined;
  /** Why those that could not be read could not. */
  readonly damaged: readonly string[];
}

/** How many images of each class a split has. */
export function countClasses(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts;
}

function spread(values: number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  values.sort((a, b) => a - b);
  return { minimum: values[0], median: values[(values.length - 1) >> 1], maximum: values[values.length - 1] };
}

/** How many images are decoded at once, and how many wait. */
const READING = { ahead: 8, atOnce: 4 };

/**
 * Reads every image of a set, or some, evenly spread over it.
 *
 * @param set The set.
 * @param limit The most images. Defaults to all.
 * @param onImage Hears how many are done.
 * @throws {OutOfMemoryError} If there is no memory left for an image, which is no damage of it.
 */
export async function surveyImages(
  { train, validation, test }: ImageSet,
  limit: number = Infinity,
  onImage: (done: number, total: number) => void = () => {},
): Promise<ImageSurvey> {
  const splits = [train, validation, ...(test === undefined ? [] : [test])];
  const all = splits.reduce((sum, { count }) => sum + count, 0), total = Math.min(limit, all);
  const widths: number[] = [], heights: number[] = [], damaged: string[] = [];
  const indices = Array.from({ length: total }, (_, k) => Math.floor(k * all / total));
  const read = async (index: number): Promise<{ readonly width: number; readonly height: number } | Error> => {
    try {
      let at = index, split = 0;
      while (at >= splits[split].count) at -= splits[split++].count;
      const image = await splits[split].read(at), { width, height } = image;
      discard(image);
      return { width, height };
    } catch (error) {
      const lack = lackOfMemory(`image ${index}`, error);
      if (lack !== undefined) throw lack;
      return error as Error;
    }
  };
  let done = 0;
  for await (const image of readAhead(indices, READING, read)) {
    onImage(++done, total);
    if (image instanceof Error) damaged.push(image.message);
    else {
      widths.push(image.width);
      heights.push(image.height);
    }
  }
  return { images: total, width: spread(widths), height: spread(heights), damaged };
}

/**
 * Draws samples of each class from the training images, evenly spread over the class, as they are trained on.
 *
 * @param set The set.
 * @param options How they are augmented and normalised.
 * @param perClass The most of each class.
 * @param mostClasses The most classes, the first of the set.
 */
export async function sampleRows(
  { train, classes }: ImageSet,
  options: PreparationOptions,
  perClass: number,
  mostClasses: number,
): Promise<SheetRow[]> {
  const { shape: [channels, height, width] } = options, plane = height * width;
  const pipeline = new ImagePipeline(train, options),
    tensor = new Float32Array(channels * plane),
    rows: SheetRow[] = [];
  for (const [label, name] of classes.slice(0, mostClasses).entries()) {
    const indices = Array.from({ length: train.count }, (_, i) => i).filter((i) => train.labels[i] === label);
    const count = Math.min(perClass, indices.length), images: Uint8Array[] = [];
    for (let k = 0; k < count; k++) {
      const shown = await pipeline.prepare(indices[Math.floor(k * indices.length / count)], 0, tensor, 0);
      // An image of the next class may stand in for a damaged one.
      if (shown === label) images.push(denormalised(tensor, options));
    }
    rows.push({ label: name, images });
  }
  return rows;
}

/** The pixels [H, W, 3] of a tensor. */
export function denormalised(
  tensor: Float32Array,
  { shape, normalisation: { mean, std } }: PreparationOptions,
): Uint8Array {
  const [channels, height, width] = shape, plane = height * width, pixels = new Uint8ClampedArray(3 * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) {
      const channel = Math.min(c, channels - 1), at = channel * plane + i;
      pixels[3 * i + c] = 255 * (tensor[at] * std[channel] + (mean.length === channels ? mean[channel] : mean[at]));
    }
  }
  return new Uint8Array(pixels.buffer);
}
