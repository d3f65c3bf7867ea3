/** Reads one image file. */

import type { DecodedImage } from "../data/mod.ts";
import { MOST_BYTES, readFile } from "../files/mod.ts";
import { decodeImage, type DecodeLimits } from "./decode_image.ts";

/**
 * Reads and decodes an image file ({@link decodeImage}).
 *
 * @param path The file.
 * @param limits How large it may be, and whether there is memory for it.
 * @returns The pixels [height, width, 3].
 * @throws {DataError} If it cannot be read, is truncated, damaged or of another format, or has too many pixels.
 *
 * @example
 * ```ts
 * import { loadModel } from "@residua/residua";
 * import { readCheckpoint } from "@residua/residua/disk";
 * import { readImage } from "@residua/residua/images";
 * using model = await loadModel(await readCheckpoint("runs/photos"));
 * const [{ top }] = await model.predict(await readImage("photo.jpg"));
 * console.log(top[0].label, top[0].probability);
 * ```
 */
export async function readImage(path: string, limits?: DecodeLimits): Promise<DecodedImage> {
  return await decodeImage(
    await readFile(path, { what: "the image", most: MOST_BYTES.image }),
    path,
    undefined,
    limits,
  );
}
