/** Image files that benchmarks read. */

import sharp from "../images/sharp.ts";
import { Random } from "../core/mod.ts";

/**
 * Writes JPEG files like photographs: smooth shapes and noise, about 25 KB each at 256 pixels.
 *
 * @param folder Where the folders of two classes, a and b, are made.
 * @param options How many there are, and their height and width in pixels.
 */
export async function writeJpegs(
  folder: string,
  { count, side }: { readonly count: number; readonly side: number },
): Promise<void> {
  const random = new Random(0, "jpegs");
  for (const name of ["a", "b"]) await Deno.mkdir(`${folder}/${name}`, { recursive: true });
  for (let k = 0; k < count; k++) {
    const waves = Array.from({ length: 9 }, () => random.uniform(0.01, 0.2));
    const pixels = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
      const c = i % 3, x = Math.floor(i / 3) % side, y = Math.floor(i / 3 / side);
      return 128 + 50 * Math.sin(x * waves[c] + y * waves[3 + c]) + 40 * Math.cos(y * waves[6 + c]) +
        random.uniform(-15, 15);
    });
    await sharp(pixels, { raw: { width: side, height: side, channels: 3 } }).jpeg({ quality: 85 })
      .toFile(`${folder}/${"ab"[k % 2]}/${k}.jpg`);
  }
}
