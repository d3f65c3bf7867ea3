/** MobileNet-V2 (Sandler et al. 2018, table 2) of any width, for large images and for small ones. */

import { classifierHead, convNorm, type ConvNormOptions, invertedResidualBlock } from "../blocks/mod.ts";
import { UsageError } from "../core/mod.ts";
import { CIFAR, IMAGENET } from "./_image_sets.ts";
import { type Layer, sequential, type SequentialModel } from "./model.ts";

/** The options of {@link mobileNetV2}. */
export interface MobileNetV2Options extends Pick<ConvNormOptions, "padding" | "epsilon"> {
  /** What the number of channels is multiplied by. Defaults to 1. */
  readonly width?: number;
  /** The number of classes. Defaults to 1000, with the stem for CIFAR to 10. */
  readonly classes?: number;
  /** Channels, height and width of an image. Defaults to 3, 224, 224, with the stem for CIFAR to 3, 32, 32. */
  readonly inputShape?: readonly [number, number, number];
  /** `cifar` keeps the resolution in the first convolution and in the first stage that would halve it. */
  readonly stem?: "imagenet" | "cifar";
  /** The share of the last features that a training step drops. Defaults to 0.2, as torchvision's. */
  readonly dropout?: number;
  /** What the 1280 channels of the last convolution are multiplied by. Defaults to the width, but to no less than 1. */
  readonly lastWidth?: number;
}

/** The widest of the paper has 1.4 times the channels; ten times make 250 million parameters. */
const WIDEST = 10;

/** A stage of the table: expansion t, channels c, repetitions n, and the stride s of its first block. */
const STAGES = [
  { t: 1, c: 16, n: 1, s: 1 },
  { t: 6, c: 24, n: 2, s: 2 },
  { t: 6, c: 32, n: 3, s: 2 },
  { t: 6, c: 64, n: 4, s: 2 },
  { t: 6, c: 96, n: 3, s: 1 },
  { t: 6, c: 160, n: 3, s: 2 },
  { t: 6, c: 320, n: 1, s: 1 },
] as const;

/** The nearest multiple of 8 that is not less than 0.9 of a number of channels, as torchvision's `_make_divisible`. */
function roundChannels(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

/**
 * MobileNet-V2:
 *
 * | layer             | output  | blocks                                    |
 * |-------------------|---------|-------------------------------------------|
 * | features.0        | 112x112 | 3x3, 32 by 2                              |
 * | features.1        | 112x112 | bottleneck of expansion 1, 16             |
 * | features.2 and 3  | 56x56   | bottlenecks of expansion 6, 24, first by 2 |
 * | features.4 to 6   | 28x28   | 32, first by 2                            |
 * | features.7 to 10  | 14x14   | 64, first by 2                            |
 * | features.11 to 13 | 14x14   | 96                                        |
 * | features.14 to 16 | 7x7     | 160, first by 2                           |
 * | features.17       | 7x7     | 320                                       |
 * | features.18       | 7x7     | 1x1, 1280                                 |
 * | classifier.1      | 1x1     | average pool, dropout, linear             |
 *
 * Channels are multiplied by the width and rounded to multiples of 8; the 1280 grow with the width but never shrink.
 * Weights have torchvision's names, and its initialisation: He's by fan-out, and for the classifier a normal distribution of
 * standard deviation 0.01.
 *
 * TensorFlow's network, whose weights Hugging Face's transformers has, is that of `padding: "same"` and `epsilon: 0.001`.
 *
 * @throws {UsageError} If a width or the epsilon is not a positive number, a width is above 10, or there is no such padding.
 *
 * @example
 * ```ts
 * import { mobileNetV2 } from "@residua/residua/models";
 * console.log(mobileNetV2({ width: 0.5, classes: 10 }).layers.length); // 20
 * ```
 */
export function mobileNetV2(options: MobileNetV2Options = {}): SequentialModel {
  const { width = 1, stem = "imagenet", dropout = 0.2, padding, epsilon, lastWidth = Math.max(1, width) } = options,
    small = stem === "cifar";
  const images = small ? CIFAR : IMAGENET, { classes = images.classes, inputShape = images.inputShape } = options;
  for (const [what, value = 1] of Object.entries({ width, lastWidth, epsilon })) {
    if (value > 0 && value <= WIDEST) continue;
    throw new UsageError(
      `Expected the ${what} of MobileNet-V2 to be a positive number, at most ${WIDEST}, but it is ${value}`,
    );
  }
  if (padding !== undefined && padding !== "symmetric" && padding !== "same") {
    throw new UsageError(`Expected the padding of MobileNet-V2 to be symmetric or same but it is "${padding}"`);
  }
  const layers: Layer[] = [], shared = { padding, epsilon };
  const conv = (channels: number, kernel: number, stride: number) => {
    const name = `features.${layers.length}`, conv = `${name}.0`, norm = `${name}.1`;
    const kind = { kernel, stride, activation: "relu6", initialization: "fan-out", ...shared } as const;
    layers.push({ name, block: convNorm({ conv, norm, channels, ...kind }) });
  };
  conv(roundChannels(32 * width), 3, small ? 1 : 2);
  for (const [stage, { t, c, n, s }] of STAGES.entries()) {
    for (let k = 0; k < n; k++) {
      const name = `features.${layers.length}`, stride = k > 0 || (small && stage === 1) ? 1 : s;
      const channels = roundChannels(c * width);
      layers.push({ name, block: invertedResidualBlock({ name, channels, stride, expansion: t, ...shared }) });
    }
  }
  conv(roundChannels(1280 * lastWidth), 1, 1);
  const head = "classifier.1";
  layers.push({ name: head, block: classifierHead(head, classes, { dropout, deviation: 0.01 }) });
  const name = `mobilenet_v2${small ? "_cifar" : ""}${width === 1 ? "" : `_${width}`}`;
  return sequential({ name, classes, inputShape, layers });
}
