/** Joins pieces of files. */
export function concat(...parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A copy with other bytes at a place. */
export function patched(bytes: Uint8Array, at: number, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

/** The place of the first (or a later) occurrence of some bytes. */
export function find(bytes: Uint8Array, wanted: ArrayLike<number>, from = 0): number {
  for (let at = from; at + wanted.length <= bytes.length; at++) {
    if (Array.from(wanted).every((byte, k) => bytes[at + k] === byte)) return at;
  }
  throw new Error(`The bytes ${Array.from(wanted)} are not there`);
}
