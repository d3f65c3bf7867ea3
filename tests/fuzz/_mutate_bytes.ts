/** Changes bytes: flips bits, cuts, repeats, removes and inserts pieces, writes lengths that readers stumble over. */

import type { Random } from "../../core/mod.ts";
import { concat } from "../_bytes.ts";

/** Lengths, counts and offsets that readers stumble over, little-endian; they are written backwards too. */
const NUMBERS: readonly (readonly number[])[] = [
  [0],
  [1],
  [127],
  [128],
  [255],
  [0, 0],
  [255, 255],
  [0, 0, 0, 0],
  [1, 0, 0, 0],
  [255, 255, 255, 255],
  [255, 255, 255, 127],
  [0, 0, 0, 128],
  [255, 255, 255, 255, 255, 255, 255, 255],
  [255, 255, 255, 255, 255, 255, 255, 127],
  [255, 255, 255, 255, 255, 255, 31, 0],
  [0, 0, 0, 64],
];

/** Bytes near an end, where headers and directories are, as often as others. */
function place(length: number, random: Random): number {
  const near = Math.min(length, 1 << random.integer(10));
  switch (random.integer(4)) {
    case 0:
      return random.integer(near + 1);
    case 1:
      return length - random.integer(near + 1);
    default:
      return random.integer(length + 1);
  }
}

/**
 * Changes a file in one place.
 *
 * @param bytes The file.
 * @param other Another one, of which pieces are taken.
 * @param words Words that are put in.
 */
export function mutateBytes(
  bytes: Uint8Array,
  other: Uint8Array,
  words: readonly Uint8Array[],
  random: Random,
): Uint8Array<ArrayBuffer> {
  const changed = bytes.slice(), at = place(changed.length, random), rest = changed.length - at;
  const before = changed.subarray(0, at), after = changed.subarray(at);
  const piece = changed.subarray(at, at + 1 + random.integer(24));
  const number = () => {
    const drawn = NUMBERS[random.integer(NUMBERS.length)];
    return random.integer(4) === 0 ? drawn.toReversed() : drawn;
  };
  switch (random.integer(words.length === 0 ? 9 : 11)) {
    case 0:
      if (rest > 0) changed[at] ^= 1 << random.integer(8);
      return changed;
    case 1:
      if (rest > 0) changed[at] = random.integer(256);
      return changed;
    case 2:
      if (rest > 0) changed[at] += random.integer(2) === 0 ? 1 : -1;
      return changed;
    case 3:
      changed.set(number().slice(0, rest), at);
      return changed;
    case 4:
      return concat(before, number(), after);
    case 5:
      return random.integer(4) === 0 ? changed.slice(0, at) : concat(before, changed.subarray(at + piece.length));
    case 6: {
      const to = place(changed.length, random);
      return concat(changed.subarray(0, to), piece, changed.subarray(to));
    }
    case 7: {
      const from = random.integer(other.length + 1);
      return concat(before, other.subarray(from, from + 1 + random.integer(60)), after);
    }
    case 8:
      // The beginning of one with the end of another.
      return concat(before, other.subarray(place(other.length, random)));
    default: {
      const word = words[random.integer(words.length)];
      return random.integer(2) === 0 ? concat(before, word, after) : concat(before, word, after.subarray(word.length));
    }
  }
}
