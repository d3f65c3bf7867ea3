/** How the weight gradients of convolutions are split into tasks on the CPU: by the shapes alone, so that runs repeat. */

/** The fewest tasks that work is split into, where it is large enough: as many as keep many threads busy to the end. */
export const LEAST_TASKS = 16;

/** Floats that the parts of a sum may take together. */
const PART_FLOATS = 1 << 23;
/** The fewest outputs of a range: fewer would repeat the work on the inputs too often. */
const LEAST_OUTPUTS = 16;

/** A split of a sum over positions into parts, and of its outputs into ranges; a task takes one of each. */
export interface SumSplit {
  /** Parts of the positions, whose sums are added up afterwards, in order. */
  readonly parts: number;
  /** Ranges of the outputs. */
  readonly ranges: number;
  /** Outputs of a range, a multiple of 4; the last may have fewer. */
  readonly rangeSize: number;
}

/**
 * Splits a weight gradient.
 *
 * @param size Floats of one part's sums.
 * @param mostParts The most parts that are worth it.
 * @param outputs Output channels.
 */
export function splitSum(size: number, mostParts: number, outputs: number): SumSplit {
  let parts = 1, ranges = 1;
  while (2 * parts <= Math.min(mostParts, LEAST_TASKS) && 2 * parts * size <= PART_FLOATS) parts *= 2;
  while (parts * ranges < LEAST_TASKS && outputs / (2 * ranges) >= LEAST_OUTPUTS) ranges *= 2;
  const rangeSize = Math.ceil(outputs / ranges / 4) * 4;
  return { parts, ranges: Math.ceil(outputs / rangeSize), rangeSize };
}
