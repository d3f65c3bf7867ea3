/** XXH32, Yann Collet's fast hash: it finds what was damaged by accident, and is no defence against anyone. */

const P1 = 0x9e3779b1, P2 = 0x85ebca77, P3 = 0xc2b2ae3d, P4 = 0x27d4eb2f, P5 = 0x165667b1;

function rotate(value: number, by: number): number {
  return value << by | value >>> (32 - by);
}

/** The words of some bytes that fill whole words; they are copied where they do not lie on words. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const count = bytes.length >> 2;
  return bytes.byteOffset % 4 === 0
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, count)
    // A Node Buffer's own slice() would be a view.
    : new Uint32Array(Uint8Array.prototype.slice.call(bytes, 0, 4 * count).buffer);
}

/**
 * The hash of some bytes. A change within four bytes on a boundary of four always changes it.
 *
 * @param seed What it begins with. Defaults to 0.
 */
export function xxh32(bytes: Uint8Array, seed = 0): number {
  const words = wordsOf(bytes), whole = words.length & ~3;
  let hash: number;
  if (whole > 0) {
    let a = seed + P1 + P2 | 0, b = seed + P2 | 0, c = seed | 0, d = seed - P1 | 0;
    for (let i = 0; i < whole; i += 4) {
      a = Math.imul(rotate(a + Math.imul(words[i], P2) | 0, 13), P1);
      b = Math.imul(rotate(b + Math.imul(words[i + 1], P2) | 0, 13), P1);
      c = Math.imul(rotate(c + Math.imul(words[i + 2], P2) | 0, 13), P1);
      d = Math.imul(rotate(d + Math.imul(words[i + 3], P2) | 0, 13), P1);
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18) | 0;
  } else hash = seed + P5 | 0;
  hash = hash + bytes.length | 0;
  for (let i = whole; i < words.length; i++) hash = Math.imul(rotate(hash + Math.imul(words[i], P3) | 0, 17), P4);
  for (let i = 4 * words.length; i < bytes.length; i++) {
    hash = Math.imul(rotate(hash + Math.imul(bytes[i], P5) | 0, 11), P1);
  }
  hash = Math.imul(hash ^ hash >>> 15, P2);
  hash = Math.imul(hash ^ hash >>> 13, P3);
  return (hash ^ hash >>> 16) >>> 0;
}
