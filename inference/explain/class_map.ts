/** What an explanation is, and how it is brought to another size. */

/** How much each place of an image speaks for a class. */
export interface ClassMap {
  /** The values [height, width], row by row. */
  readonly values: Float32Array;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
  /** The index of the class. */
  readonly index: number;
}

/**
 * Resizes a map linearly, as PyTorch's `interpolate(mode="bilinear", align_corners=False)` does.
 *
 * @param map The map.
 * @param size The height and width of the result.
 *
 * @example
 * ```ts
 * import { resizeMap } from "@residua/residua/inference";
 * const map = { values: Float32Array.of(0, 1), height: 1, width: 2, index: 3 };
 * console.log(resizeMap(map, [1, 4]).values); // Float32Array(4) [ 0, 0.25, 0.75, 1 ]
 * ```
 */
export function resizeMap({ values, height, width, index }: ClassMap, [rows, columns]: readonly number[]): ClassMap {
  const resized = new Float32Array(rows * columns);
  const down = neighbours(height, rows), across = neighbours(width, columns);
  down.forEach(({ from: top, to: bottom, share: v }, row) =>
    across.forEach(({ from: left, to: right, share: u }, column) => {
      const upper = (1 - u) * values[top * width + left] + u * values[top * width + right];
      const lower = (1 - u) * values[bottom * width + left] + u * values[bottom * width + right];
      resized[row * columns + column] = (1 - v) * upper + v * lower;
    })
  );
  return { values: resized, height: rows, width: columns, index };
}

/** For each of `count` positions the two of `size` that it lies between, and how far it is on the way to the second. */
function neighbours(size: number, count: number) {
  return Array.from({ length: count }, (_, k) => {
    const place = Math.min(size - 1, Math.max(0, (k + 0.5) * size / count - 0.5)), from = Math.floor(place);
    return { from, to: Math.min(size - 1, from + 1), share: place - from };
  });
}
