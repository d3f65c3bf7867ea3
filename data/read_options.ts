/** What a set is asked for when it reads an image. */

/** The least size at which an image serves; one that is smaller by itself is read as it is. */
export interface LeastSize {
  /** The least shorter side, in pixels. */
  readonly side: number;
  /** The fewest pixels in all. */
  readonly pixels: number;
}

/** How a set reads an image; a set may ignore it. */
export interface ReadOptions {
  /** The size down to which the image may be read smaller. Defaults to its own. */
  readonly least?: LeastSize;
  /** Whether it will not be read again, so that keeping it is of no use. Defaults to false. */
  readonly once?: boolean;
}
