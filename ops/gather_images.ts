/**
 * Gathers shifted, mirrored and normalised images from a data set of bytes in the device's memory. So a step uploads only the
 * images' indices and how they are cropped.
 */

import {
  constants,
  elementCount,
  elementwise,
  expectSpec,
  f32,
  linearWorkgroups,
  type NumericArray,
  oneWay,
  type Op,
  registerOp,
  type Sample,
  ShapeError,
  u32,
} from "../core/mod.ts";

/** The attributes of {@link gatherImages}. */
export type GatherImagesAttributes = {
  /** Channels, height and width of an image. */
  readonly imageShape: readonly number[];
};

/** Words of a view: the image's index, the crop's shift down and right, whether it is mirrored. */
export const VIEW_WORDS = 4;

const NAME = "gatherImages";
/** The number of values of a byte. */
const LEVELS = 256;

/**
 * y[n, c, y, x] = levels[c, byte] of the byte at (y + down, x + right) of channel c of the image, or 0 outside the image. A
 * mirrored image is read from right to left. Inputs: `bytes` u32 [ceil(count·C·H·W / 4)], the bytes [count, C, H, W], four a
 * word, the first in the lowest bits; `levels` [C, 256], the value of each byte; `views` u32 [N, 4]: the image's index in the
 * set, down and right as signed 32-bit integers, and 1 if it is mirrored. Output: [N, C, H, W].
 */
export const gatherImages: Op<GatherImagesAttributes> = registerOp<GatherImagesAttributes>({
  name: NAME,
  attributes: { imageShape: [1, 1, 1] },
  infer([bytes, levels, views], { imageShape }) {
    if (imageShape.length !== 3 || imageShape.some((extent) => !Number.isInteger(extent) || extent < 1)) {
      throw new ShapeError(
        `${NAME}: expected imageShape to be channels, height and width but it is [${imageShape.join(", ")}]`,
      );
    }
    expectSpec(NAME, "bytes", bytes, ["words"], "u32");
    expectSpec(NAME, "levels", levels, [imageShape[0], LEVELS]);
    expectSpec(NAME, "views", views, ["N", VIEW_WORDS], "u32");
    return [f32([views.shape[0], ...imageShape])];
  },
  reference: ({ attributes: { imageShape: [channels, height, width] } }) =>
  (
    [words, levels, views, y]: readonly NumericArray[],
  ) => {
    const size = channels * height * width;
    for (let i = 0; i < y.length; i++) {
      const view = Math.floor(i / size) * VIEW_WORDS, c = Math.floor(i / (height * width)) % channels;
      const row = Math.floor(i / width) % height + (views[view + 1] | 0), x = i % width;
      const column = (views[view + 3] === 1 ? width - 1 - x : x) + (views[view + 2] | 0);
      const at = views[view] * size + (c * height + row) * width + column;
      const inside = row >= 0 && row < height && column >= 0 && column < width;
      y[i] = inside ? levels[c * LEVELS + (words[Math.floor(at / 4)] >>> 8 * (at % 4) & 255)] : 0;
    }
  },
  webgpu({ outputs: [{ shape }], attributes: { imageShape: [channels, height, width] } }) {
    const count = elementCount(shape);
    const body = `let view = i / SIZE;
  let c = i / (HEIGHT * WIDTH) % CHANNELS;
  let x = i % WIDTH;
  let row = i32(i / WIDTH % HEIGHT) + bitcast<i32>(views[view * ${VIEW_WORDS}u + 1u]);
  let column = i32(select(x, WIDTH - 1u - x, views[view * ${VIEW_WORDS}u + 3u] == 1u)) + bitcast<i32>(views[view * ${VIEW_WORDS}u + 2u]);
  var value = 0.0;
  if (row >= 0 && row < i32(HEIGHT) && column >= 0 && column < i32(WIDTH)) {
    let at = views[view * ${VIEW_WORDS}u] * SIZE + (c * HEIGHT + u32(row)) * WIDTH + u32(column);
    value = levels[c * ${LEVELS}u + extractBits(words[at / 4u], at % 4u * 8u, 8u)];
  }
  y[i] = value;`;
    const sizes = { CHANNELS: channels, HEIGHT: height, WIDTH: width, SIZE: channels * height * width };
    return oneWay("elementwise", ({ limits }) => [{
      wgsl: elementwise(count, body, constants(sizes)),
      bindings: [
        { name: "words", index: 0 },
        { name: "levels", index: 1 },
        { name: "views", index: 2 },
        { name: "y", index: 3, write: true },
      ],
      workgroups: linearWorkgroups(count, limits),
    }]);
  },
  // Each element reads a byte and writes a float.
  cost: ({ outputs: [{ shape }] }) => ({ flops: 0, bytes: 5 * elementCount(shape) }),
  samples: () => [
    sample(1, 1, [1, 1, 1], 0),
    sample(5, 3, [3, 7, 5], 2),
    sample(9, 13, [1, 4, 6], 4),
    sample(4, 2, [2, 3, 3], 7),
  ],
  badSamples: () => [
    {
      inputs: [u32([3]), f32([3, 256]), u32([2, 4])],
      attributes: { imageShape: [3, 2] },
      message: "expected imageShape",
    },
    {
      inputs: [f32([3]), f32([3, 256]), u32([2, 4])],
      attributes: { imageShape: [3, 2, 2] },
      message: "expected bytes to be u32 [words]",
    },
    {
      inputs: [u32([3]), f32([1, 256]), u32([2, 4])],
      attributes: { imageShape: [3, 2, 2] },
      message: "expected levels to be f32 [3, 256]",
    },
    {
      inputs: [u32([3]), f32([1, 256]), u32([2, 3])],
      attributes: { imageShape: [1, 2, 2] },
      message: "expected views to be u32 [N, 4]",
    },
  ],
});

/** Random bytes, and views shifted by at most a number of pixels. */
function sample(
  count: number,
  batch: number,
  imageShape: readonly number[],
  shift: number,
): Sample<GatherImagesAttributes> {
  return {
    inputs: [
      u32([Math.ceil(count * elementCount(imageShape) / 4)]),
      f32([imageShape[0], LEVELS]),
      u32([batch, VIEW_WORDS]),
    ],
    attributes: { imageShape },
    fill: ([words, , views], random) => {
      for (let i = 0; i < words.length; i++) words[i] = random.uint32();
      for (let n = 0; n < batch; n++) {
        const moved = () => random.integer(2 * shift + 1) - shift;
        views.set([random.integer(count), moved() >>> 0, moved() >>> 0, random.integer(2)], n * VIEW_WORDS);
      }
    },
  };
}
