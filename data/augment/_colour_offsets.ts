/** AlexNet's change of colour, as what it adds to each channel. */

import { type Random, UsageError } from "../../core/mod.ts";
import type { ColourComponents } from "../statistics.ts";

/** Draws what is added to every number of each channel of a normalised image. */
export type OffsetDraw = (random: Random) => number[];

/** What draws the offsets; see `colourShift()`. */
export function colourOffsets(
  { variances, directions }: ColourComponents,
  deviation: number,
  std: readonly number[],
): OffsetDraw {
  if (!(deviation >= 0)) throw new UsageError(`colourShift: expected a deviation of at least 0 but it is ${deviation}`);
  return (random) => {
    const alphas = variances.map((variance) => deviation * random.normal() * variance);
    return std.map((std, c) => alphas.reduce((sum, alpha, i) => sum + alpha * directions[i][c], 0) / std);
  };
}

/** Adds a number to each channel of a tensor [channels, plane], which begins at `start`. */
export function addOffsets(tensor: Float32Array, start: number, plane: number, offsets: readonly number[]): void {
  for (const [c, offset] of offsets.entries()) {
    for (let i = start + c * plane; i < start + (c + 1) * plane; i++) tensor[i] += offset;
  }
}
