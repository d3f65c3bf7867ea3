/** Decodes image files by what a browser has for it, on its pages and in its workers. */

import { DataError, UsageError } from "../../core/mod.ts";
import { type ImageInput, toRgb } from "./image_input.ts";
import type { DecodedImage } from "./decoded_image.ts";

/** The part of a browser's canvas that is used; Deno's types have none. */
interface Canvas {
  getContext(kind: "2d", options: { readonly alpha: boolean; readonly willReadFrequently: boolean }): {
    fillStyle: string;
    fillRect(x: number, y: number, width: number, height: number): void;
    drawImage(image: ImageBitmap, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): ImageInput;
  } | null;
}

type CanvasClass = new (width: number, height: number) => Canvas;

/**
 * Decodes an image file in a browser, as `decodeImage` of `@residua/residua/images` does elsewhere: in full, turned upright
 * where its EXIF says how it was taken, without regard to colour profiles, transparent pixels laid on white. Which formats
 * there are is the browser's; decoders of JPEG differ by a few levels of 256 in some pixels.
 *
 * @param blob The file, such as a `File` of an input or of a drop.
 * @param source The file's name, for messages. Defaults to the `File`'s own.
 * @returns The pixels [height, width, 3].
 * @throws {DataError} If the browser cannot decode it, or has no canvas of its size.
 * @throws {UsageError} If there is no `OffscreenCanvas`, as in Deno and Node.
 *
 * @example
 * ```ts ignore
 * import { decodeBlob } from "@residua/residua/data";
 * const [file] = document.querySelector("input")!.files!;
 * const { width, height, pixels } = await decodeBlob(file);
 * ```
 */
export async function decodeBlob(
  blob: Blob,
  source: string = blob instanceof File && blob.name !== "" ? blob.name : "the image",
): Promise<DecodedImage> {
  const { OffscreenCanvas: CanvasOf } = globalThis as { readonly OffscreenCanvas?: CanvasClass };
  if (CanvasOf === undefined) {
    throw new UsageError("decodeBlob() needs a browser's OffscreenCanvas; decodeImage() of …/images decodes elsewhere");
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  } catch {
    throw new DataError(
      `${source}: this browser cannot decode the file as an image; give a PNG, JPEG or WebP that is whole`,
    );
  }
  const { width, height } = bitmap;
  try {
    const context = new CanvasOf(width, height).getContext("2d", { alpha: false, willReadFrequently: true });
    if (context === null) throw new DataError(`${source}: this browser gives no canvas to decode images on`);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    return toRgb(context.getImageData(0, 0, width, height), source);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`${source}: this browser has no canvas of ${width} x ${height} pixels; make the image smaller`);
  } finally {
    bitmap.close();
  }
}
