/** Boxes of random area, shape and position in an image, and checks of what they are drawn from. */

import { type Random, UsageError } from "../../core/mod.ts";
import type { DecodedImage } from "../formats/decoded_image.ts";
import type { Box } from "../resize/resize.ts";

/** How often a crop is drawn anew where it does not fit the image. */
const ATTEMPTS = 10;

/** Draws a box of a share of an image's area and an aspect ratio, which lies in the image. */
export function drawBox(
  { width, height }: Pick<DecodedImage, "width" | "height">,
  area: readonly [number, number],
  aspect: readonly [number, number],
  random: Random,
): Box {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const target = width * height * random.uniform(...area);
    const ratio = Math.exp(random.uniform(Math.log(aspect[0]), Math.log(aspect[1])));
    const across = Math.round(Math.sqrt(target * ratio)), down = Math.round(Math.sqrt(target / ratio));
    if (across < 1 || down < 1 || across > width || down > height) continue;
    return {
      left: random.integer(width - across + 1),
      top: random.integer(height - down + 1),
      width: across,
      height: down,
    };
  }
  const ratio = Math.min(Math.max(width / height, aspect[0]), aspect[1]);
  const across = Math.max(1, Math.min(width, Math.round(height * ratio)));
  const down = Math.max(1, Math.min(height, Math.round(width / ratio)));
  return { left: (width - across) >> 1, top: (height - down) >> 1, width: across, height: down };
}

/** Checks a range of positive numbers. */
export function expectRange(what: string, name: string, [least, most]: readonly [number, number]): void {
  if (least > 0 && least <= most && Number.isFinite(most)) return;
  throw new UsageError(`${what}: expected ${name} to be a range above 0 but it is ${least} to ${most}`);
}

/** Checks a number from 0 to 1. */
export function expectShare(what: string, name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new UsageError(`${what}: expected ${name} to be from 0 to 1 but it is ${value}`);
}
