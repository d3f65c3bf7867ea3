/** Folders of small image files for tests. */

import sharp from "../images/sharp.ts";
import { Random } from "../core/mod.ts";

/** The classes, each of a colour. */
export const CLASSES = { amber: [220, 150, 30], green: [30, 180, 60], violet: [130, 40, 200] };

/** Writes noisy images of a colour a class, of several sizes, as PNG and JPEG. */
export async function writeImages(folder: string, count: number): Promise<void> {
  const random = new Random(11);
  for (const [name, colour] of Object.entries(CLASSES)) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
    for (let k = 0; k < count; k++) {
      const width = 20 + random.integer(30), height = 20 + random.integer(30);
      const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3] + random.integer(40) - 20);
      const image = sharp(pixels, { raw: { width, height, channels: 3 } });
      if (k % 2 === 0) await image.png().toFile(`${folder}/${name}/${100 + k}.png`);
      else await image.jpeg().toFile(`${folder}/${name}/${100 + k}.jpg`);
    }
  }
}
