/** Tells a lack of memory from a fault of an image, which another may stand in for. */

import { OutOfMemoryError } from "../core/mod.ts";

/** What engines and libvips say where they get no memory. */
const LACKS_MEMORY = /allocation failed|out of memory|unable to allocate|could not allocate/i;

/**
 * What an error is where it is a lack of memory; nothing if it is something else.
 *
 * @param source What was being read.
 * @param error What was thrown.
 */
export function lackOfMemory(source: string, error: unknown): OutOfMemoryError | undefined {
  if (error instanceof OutOfMemoryError) return error;
  if (!(error instanceof Error) || !LACKS_MEMORY.test(error.message)) return undefined;
  return new OutOfMemoryError(`${source}: there is no memory left to read it (${error.message})`, 0);
}
