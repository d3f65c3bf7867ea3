/** How large an image may be. */

import { DataError } from "../../core/mod.ts";

/** Pixels that an image may have: more would need gigabytes, and hardly comes from a camera. */
const MOST_PIXELS = 500_000_000;

/**
 * Checks an image's size before it is unpacked.
 *
 * @throws {DataError} If it has too many pixels.
 */
export function expectFewPixels(width: number, height: number, source: string): void {
  if (width * height <= MOST_PIXELS) return;
  throw new DataError(
    `${source}: expected an image of at most ${MOST_PIXELS / 1e6} megapixels but it has ${width} x ${height}`,
  );
}
