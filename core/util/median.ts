/** The median of measurements, which a few slow ones do not move. */

/**
 * The median of some numbers: of an even count, the mean of the two in the middle.
 *
 * @param values The numbers, at least one, in any order; they are not changed.
 * @returns The median; NaN of none.
 *
 * @example
 * ```ts
 * import { median } from "@residua/residua/core";
 * console.log(median([3, 1, 100])); // 3
 * ```
 */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
