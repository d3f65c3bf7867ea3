/** What a decoded image is; decoding itself needs a library, and is the caller's. */

/** An image of any size. A decoder gives three channels. */
export interface DecodedImage {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** The bytes [height, width, channels]: red, green, blue. */
  readonly pixels: Uint8Array;
}
