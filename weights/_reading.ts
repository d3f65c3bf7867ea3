/** What the readers of weight files share: limits, messages, and the names of tensors. */

import { showText } from "../core/mod.ts";

/** PyTorch allows no more dimensions. */
export const MOST_DIMENSIONS = 64;

/** Throws, given what is wrong with a file. */
export type Fail = (what: string) => never;

/**
 * Whether a tensor is PyTorch's count of the batches that a batch norm has seen. Its running statistics follow with a fixed
 * momentum, so nothing needs the count; PyTorch itself starts it at 0 where a file lacks it.
 */
export function isBatchCount(name: string): boolean {
  return name === "num_batches_tracked" || name.endsWith(".num_batches_tracked");
}

/** The first names of a list, and how many more there are. */
export function listNames(names: readonly string[]): string {
  return names.slice(0, 3).map(showText).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");
}

/** The bytes of a buffer, or of any view of one. */
export function asBytes(bytes: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}
