/** Compares what is large to the bit: checkpoints, weights, images. */

import { isDeepStrictEqual } from "node:util";
import { describeLargeDifference } from "../tools/offline/large_difference.ts";

/**
 * As `assertEquals`, for values that may hold megabytes: where they differ it says so in a sentence, and makes no diff, which
 * would take minutes and gigabytes.
 */
export function assertSame<T>(actual: T, expected: T, what?: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const difference = describeLargeDifference(actual, expected, isDeepStrictEqual) ??
    `${Deno.inspect(actual)} rather than ${Deno.inspect(expected)}`;
  throw new Error(what === undefined ? difference : `${what}: ${difference}`);
}
