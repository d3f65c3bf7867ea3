/** The CIFAR residual networks of He et al. 2015, section 4.2, of any depth 6n + 2. */

import { classifierHead, convNorm, residualBlock, type ResidualOptions } from "../blocks/mod.ts";
import { UsageError } from "../core/mod.ts";
import { CIFAR } from "./_image_sets.ts";
import { IMAGENET_DEPTHS } from "./imagenet_resnet.ts";
import { type Layer, sequential, type SequentialModel } from "./model.ts";

/** The paper's deepest has 1202 layers. A depth may come from a file, so it must not be one that takes hours to build. */
const DEEPEST = 2000;

/** The options of {@link cifarResNet}. */
export interface CifarResNetOptions
  extends Pick<ResidualOptions, "shortcut" | "downsampling" | "initialization" | "zeroInitLastGamma"> {
  /** 6n + 2: 20, 32, 44, 56, 110 in the paper. */
  readonly depth: number;
  /** The number of classes. Defaults to 10. */
  readonly classes?: number;
  /** Channels, height and width of an image. Defaults to 3, 32, 32. */
  readonly inputShape?: readonly [number, number, number];
}

/** Whether a depth is of the form 6n + 2: three stages of n blocks of two convolutions, the first convolution, the head. */
export function isCifarDepth(depth: number): boolean {
  return depth >= 8 && depth % 6 === 2;
}

/**
 * A CIFAR ResNet:
 *
 * | layer  | output | blocks                              |
 * |--------|--------|-------------------------------------|
 * | conv1  | 32x32  | 3x3, 16                             |
 * | layer1 | 32x32  | n of (3x3, 16; 3x3, 16)             |
 * | layer2 | 16x16  | n of (3x3, 32; 3x3, 32), first by 2 |
 * | layer3 | 8x8    | n of (3x3, 64; 3x3, 64), first by 2 |
 * | fc     | 1x1    | average pool, linear                |
 *
 * Weights are named as torchvision names those of its ResNets. The shortcut defaults to option B; the paper's CIFAR networks
 * use A. Without shortcuts (`none`) it is the paper's plain network.
 *
 * @throws {UsageError} If the depth is not 6n + 2, or over 2000.
 *
 * @example
 * ```ts
 * import { cifarResNet } from "@residua/residua/models";
 * console.log(cifarResNet({ depth: 20 }).layers.length); // 11
 * ```
 */
export function cifarResNet(options: CifarResNetOptions): SequentialModel {
  const { depth, classes = CIFAR.classes, inputShape = CIFAR.inputShape, ...residual } = options;
  if (!isCifarDepth(depth) || depth > DEEPEST) {
    throw new UsageError(
      `Expected the depth of a CIFAR ResNet to be 6n + 2 (8, 14, 20, 32, 44, 56, 110 …), at most ${DEEPEST}, but it is ${depth}`,
    );
  }
  const n = (depth - 2) / 6,
    stem = convNorm({ conv: "conv1", norm: "bn1", channels: 16, initialization: residual.initialization });
  const layers: Layer[] = [{ name: "conv1", block: stem }];
  for (const [stage, channels] of [16, 32, 64].entries()) {
    for (let k = 0; k < n; k++) {
      const name = `layer${stage + 1}.${k}`, stride = stage > 0 && k === 0 ? 2 : 1;
      layers.push({ name, block: residualBlock({ name, channels, stride, ...residual }) });
    }
  }
  layers.push({ name: "fc", block: classifierHead("fc", classes) });
  const name = `${residual.shortcut === "none" ? "plain" : "resnet"}${depth}`;
  // Depths 50 and 152 are of this form too, but their names mean the ImageNet networks.
  const taken = IMAGENET_DEPTHS.includes(depth);
  return sequential({ name: taken ? `cifar_${name}` : name, classes, inputShape, layers });
}
