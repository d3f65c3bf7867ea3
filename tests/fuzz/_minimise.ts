/** Makes an input that shows a finding as small as it goes while it shows the same. */

import { concat } from "../_bytes.ts";

/**
 * Cuts pieces away, large ones first, then makes bytes plain.
 *
 * @param input The input.
 * @param isSame Whether another one shows the same.
 * @param trials How often that may be asked.
 */
export async function minimise(
  input: Uint8Array,
  isSame: (input: Uint8Array) => Promise<boolean>,
  trials: number,
): Promise<Uint8Array> {
  let least = input.slice(), left = trials;
  const attempt = async (smaller: Uint8Array): Promise<boolean> => {
    if (left-- <= 0 || !await isSame(smaller)) return false;
    least = smaller.slice();
    return true;
  };
  for (let size = least.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < least.length && left > 0;) {
      const cut = concat(least.subarray(0, at), least.subarray(at + size));
      if (!await attempt(cut)) at += size;
    }
  }
  for (let at = 0; at < least.length && left > 0; at++) {
    if (least[at] === PLAIN) continue;
    const plain = least.slice();
    plain[at] = PLAIN;
    await attempt(plain);
  }
  return least;
}

/** The digit 0. */
const PLAIN = 0x30;
