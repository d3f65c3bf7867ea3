/** What a set of labelled images is. */

/** Images and their labels. */
export interface ImageSplit {
  /** The number of images. */
  readonly count: number;
  /** The bytes [count, C, H, W]. */
  readonly pixels: Uint8Array;
  /** The class of each image, from 0. */
  readonly labels: Uint8Array;
}

/** A set of images of one size, with classes. */
export interface ImageSet {
  /** What it is called, for people. */
  readonly name: string;
  /** The names of the classes. */
  readonly classes: readonly string[];
  /** Channels, height and width of an image. */
  readonly shape: readonly [number, number, number];
  /** What is trained on. */
  readonly train: ImageSplit;
  /** What is validated on. */
  readonly validation: ImageSplit;
  /** Whether the mirror image of an image is of the same class. */
  readonly mirrorable: boolean;
}
