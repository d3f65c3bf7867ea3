/** What a decoded image is, and which files hold one; decoding itself needs a library, and is the caller's. */

/** An image of any size. A decoder gives three channels. */
export interface DecodedImage {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** The bytes [height, width, channels]: red, green, blue. */
  readonly pixels: Uint8Array;
  /** The size of the file's image, where a decoder gave a smaller one: its proportions are those to keep. */
  readonly original?: { readonly width: number; readonly height: number };
}

/** The formats of image files, for messages. */
export const IMAGE_FORMATS = "PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF";

/**
 * Whether a file is taken for an image by its ending: `.png`, `.jpg`, `.jpeg`, `.webp`, `.gif`, `.tif`, `.tiff`, `.bmp`
 * or `.avif`, in capitals or not.
 */
export function isImageFile(name: string): boolean {
  return /\.(?:png|jpe?g|webp|gif|tiff?|bmp|avif)$/i.test(name);
}
