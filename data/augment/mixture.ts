/** Images mixed of two: mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019). */

import { type Random, UsageError } from "../../core/mod.ts";

/** The other images that a batch's images are mixed with. */
export interface Mixture {
  /** The class of the other image, [batch]. */
  readonly labels: Uint32Array;
  /** The share of each image's own class, from 0 to 1, [batch]. */
  readonly shares: Float32Array;
}

/** The parameters of mixup and CutMix. Where both are given, each image is mixed by one of them, each as likely. */
export interface MixtureOptions {
  /** The parameter α of the distribution Beta(α, α) of mixup's shares. Defaults to no mixup. */
  readonly mixup?: number;
  /** The same of CutMix. Defaults to no CutMix. */
  readonly cutmix?: number;
}

/**
 * Draws from the distribution Beta(α, α).
 *
 * @example
 * ```ts
 * import { Random } from "@residua/residua";
 * import { drawBeta } from "@residua/residua/data";
 * const share = drawBeta(0.2, new Random(0));
 * console.log(share >= 0 && share <= 1); // true
 * ```
 */
export function drawBeta(alpha: number, random: Random): number {
  const a = drawGamma(alpha, random), b = drawGamma(alpha, random);
  // Of a tiny α both may be too small for a number; then all the weight is on one end.
  return a + b === 0 ? random.integer(2) : a / (a + b);
}

/** Draws from the gamma distribution of shape α and scale 1 (Marsaglia and Tsang 2000). */
function drawGamma(alpha: number, random: Random): number {
  if (alpha < 1) {
    const larger = drawGamma(alpha + 1, random);
    return larger * Math.pow(1 - random.uniform(), 1 / alpha);
  }
  const d = alpha - 1 / 3, c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal(), v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Whether images are mixed at all. */
export function mixes({ mixup, cutmix }: MixtureOptions): boolean {
  return mixup !== undefined || cutmix !== undefined;
}

/**
 * Checks the parameters.
 *
 * @throws {UsageError} If one is not above 0.
 */
export function expectMixture({ mixup, cutmix }: MixtureOptions): void {
  for (const [name, alpha] of [["mixup", mixup], ["cutmix", cutmix]] as const) {
    if (alpha === undefined || (alpha > 0 && Number.isFinite(alpha))) continue;
    throw new UsageError(`${name}: expected a parameter above 0 but it is ${alpha}`);
  }
}

/**
 * Mixes another image into one, both normalised: mixup adds them up by their shares; CutMix replaces a rectangle of the
 * image's proportions, at a random position, as far as it lies inside.
 *
 * @param tensor The image [C, H, W], which is changed.
 * @param other The other one.
 * @param shape Channels, height and width.
 * @param options The parameters of mixup and CutMix.
 * @param random The image's own stream.
 * @returns The share that the image keeps.
 */
export function mixImages(
  tensor: Float32Array,
  other: Float32Array,
  [channels, height, width]: readonly [number, number, number],
  { mixup, cutmix }: MixtureOptions,
  random: Random,
): number {
  const cuts = cutmix !== undefined && (mixup === undefined || random.integer(2) === 1);
  const share = drawBeta(cuts ? cutmix : mixup!, random);
  if (!cuts) {
    for (let i = 0; i < tensor.length; i++) tensor[i] = share * tensor[i] + (1 - share) * other[i];
    return share;
  }
  const side = Math.sqrt(1 - share), across = Math.round(width * side), down = Math.round(height * side);
  const left = random.integer(width) - (across >> 1), top = random.integer(height) - (down >> 1);
  const [fromX, toX] = [Math.max(0, left), Math.min(width, left + across)];
  const [fromY, toY] = [Math.max(0, top), Math.min(height, top + down)];
  for (let c = 0; c < channels; c++) {
    for (let y = fromY; y < toY; y++) {
      const row = (c * height + y) * width;
      tensor.set(other.subarray(row + fromX, row + toX), row + fromX);
    }
  }
  return 1 - Math.max(0, toX - fromX) * Math.max(0, toY - fromY) / (width * height);
}
