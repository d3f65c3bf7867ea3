/** Changes to normalised images. */

import type { Random } from "../../core/mod.ts";
import { addOffsets, colourOffsets } from "./_colour_offsets.ts";
import { drawBox, expectRange, expectShare } from "./_random_box.ts";
import type { ColourComponents } from "../statistics.ts";

/**
 * A change to a normalised image [C, H, W], in place. All that it draws comes from `random`, the image's own stream of this
 * epoch.
 */
export type TensorTransform = (
  tensor: Float32Array,
  shape: readonly [number, number, number],
  random: Random,
) => void;

/**
 * AlexNet's change of colour (Krizhevsky et al. 2012, section 4.1; He et al. 2015, section 3.4): adds to every pixel, of
 * colours from 0 to 1, the sum over the principal components p_i of α_i·λ_i·p_i, where λ_i is the variance along p_i. Each
 * α_i is drawn once for an image.
 *
 * @param components The principal components of the training set.
 * @param deviation The standard deviation of α.
 * @param std What the normalisation divides each channel by.
 * @throws {UsageError} If the deviation is negative.
 *
 * @example
 * ```ts
 * import { Random } from "@residua/residua";
 * import { colourShift } from "@residua/residua/data";
 * const components = { variances: [0.2, 0, 0], directions: [[1, 0, 0], [0, 1, 0], [0, 0, 1]] };
 * const pixel = new Float32Array(3);
 * colourShift(components, 0.1, [1, 1, 1])(pixel, [3, 1, 1], new Random(0));
 * console.log(pixel[0] !== 0, pixel[1]); // true 0
 * ```
 */
export function colourShift(
  components: ColourComponents,
  deviation: number,
  std: readonly number[],
): TensorTransform {
  const draw = colourOffsets(components, deviation, std);
  return (tensor, [channels, height, width], random) =>
    addOffsets(tensor, 0, height * width, draw(random).slice(0, channels));
}

/** The options of {@link randomErasing}. */
export interface ErasingOptions {
  /** The share of the images that lose a part. Defaults to 0.5. */
  readonly probability?: number;
  /** The share of the image's area that is erased. Defaults to 0.02 to 0.33. */
  readonly area?: readonly [number, number];
  /** The part's width divided by its height. Defaults to 0.3 to 3.3. */
  readonly aspect?: readonly [number, number];
}

/**
 * Random erasing (Zhong et al. 2017): a rectangle becomes zero, which is the mean colour.
 *
 * @param options The share of the images, and the rectangle's area and proportions.
 * @throws {UsageError} If the probability is not from 0 to 1, or a range is empty.
 *
 * @example
 * ```ts
 * import { Random } from "@residua/residua";
 * import { randomErasing } from "@residua/residua/data";
 * const image = new Float32Array(64).fill(1);
 * randomErasing({ probability: 1 })(image, [1, 8, 8], new Random(0));
 * console.log(image.includes(0)); // true
 * ```
 */
export function randomErasing(options: ErasingOptions = {}): TensorTransform {
  const { probability = 0.5, area = [0.02, 0.33], aspect = [0.3, 3.3] } = options;
  expectShare("randomErasing", "probability", probability);
  expectRange("randomErasing", "area", area);
  expectRange("randomErasing", "aspect", aspect);
  return (tensor, [channels, height, width], random) => {
    if (random.uniform() >= probability) return;
    const box = drawBox({ width, height }, area, aspect, random);
    for (let c = 0; c < channels; c++) {
      for (let y = box.top; y < box.top + box.height; y++) {
        const from = (c * height + y) * width + box.left;
        tensor.fill(0, from, from + box.width);
      }
    }
  };
}
