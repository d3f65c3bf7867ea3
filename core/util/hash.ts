/** A hash of texts; not a cryptographic one. */

/**
 * FNV-1a, 32 bits, over the code units of a text.
 *
 * @param hash The hash of a preceding text, to continue from. Defaults to that of the empty text.
 *
 * @example
 * ```ts
 * import { formatHash, hashText } from "@residua/residua/core";
 * console.log(formatHash(hashText("b", hashText("a"))) === formatHash(hashText("ab"))); // true
 * ```
 */
export function hashText(text: string, hash = 0x811c9dc5): number {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A hash as eight hexadecimal digits. */
export function formatHash(hash: number): string {
  return hash.toString(16).padStart(8, "0");
}
