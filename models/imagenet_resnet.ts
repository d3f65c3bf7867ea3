/** The ImageNet residual networks of He et al. 2015, table 1, and their plain counterparts of figure 3. */

import { bottleneckBlock, type BottleneckOptions, classifierHead, imageNetStem, residualBlock } from "../blocks/mod.ts";
import { UsageError } from "../core/mod.ts";
import { IMAGENET } from "./_image_sets.ts";
import { type Layer, sequential, type SequentialModel } from "./model.ts";

/** The columns of the table: the block and how many of them each stage has. */
const TABLE = {
  18: { block: residualBlock, blocks: [2, 2, 2, 2] },
  34: { block: residualBlock, blocks: [3, 4, 6, 3] },
  50: { block: bottleneckBlock, blocks: [3, 4, 6, 3] },
  101: { block: bottleneckBlock, blocks: [3, 4, 23, 3] },
  152: { block: bottleneckBlock, blocks: [3, 8, 36, 3] },
} as const;

function depthsOf(kind: typeof residualBlock | typeof bottleneckBlock): readonly number[] {
  return Object.entries(TABLE).filter(([, { block }]) => block === kind).map(([depth]) => Number(depth));
}

/** The depths of {@link imageNetResNet}. */
export const IMAGENET_DEPTHS: readonly number[] = Object.keys(TABLE).map(Number);

/** The depths with blocks of two convolutions. */
export const BASIC_DEPTHS: readonly number[] = depthsOf(residualBlock);

/** The depths with bottleneck blocks. */
export const BOTTLENECK_DEPTHS: readonly number[] = depthsOf(bottleneckBlock);

/** The options of {@link imageNetResNet}. */
export interface ImageNetResNetOptions
  extends Pick<BottleneckOptions, "shortcut" | "downsampling" | "initialization" | "zeroInitLastGamma" | "strideOn"> {
  /** 18, 34, 50, 101 or 152. */
  readonly depth: number;
  /** The number of classes. Defaults to 1000. */
  readonly classes?: number;
  /** Channels, height and width of an image. Defaults to 3, 224, 224. */
  readonly inputShape?: readonly [number, number, number];
}

/**
 * An ImageNet ResNet:
 *
 * | layer  | output  | 18 and 34: blocks of 3x3, 3x3 | 50, 101, 152: blocks of 1x1, 3x3, 1x1 |
 * |--------|---------|-------------------------------|---------------------------------------|
 * | conv1  | 56x56   | 7x7, 64 by 2; max pool 3x3 by 2 | the same                            |
 * | layer1 | 56x56   | 64, 64: 2 or 3                | 64, 64, 256: 3                        |
 * | layer2 | 28x28   | 128, 128: 2 or 4              | 128, 128, 512: 4, 4 or 8              |
 * | layer3 | 14x14   | 256, 256: 2 or 6              | 256, 256, 1024: 6, 23 or 36           |
 * | layer4 | 7x7     | 512, 512: 2 or 3              | 512, 512, 2048: 3                     |
 * | fc     | 1x1     | average pool, linear          | the same                              |
 *
 * Weights have torchvision's names and its initialisation, He's by fan-out. The shortcut defaults to option B, and bottlenecks
 * halve the resolution in their 3x3 convolution, as torchvision's. Without shortcuts (`none`) it is the paper's plain network.
 *
 * @throws {UsageError} If the depth is not one of the table.
 *
 * @example
 * ```ts
 * import { imageNetResNet } from "@residua/residua/models";
 * console.log(imageNetResNet({ depth: 50, classes: 10 }).layers.length); // 18
 * ```
 */
export function imageNetResNet(options: ImageNetResNetOptions): SequentialModel {
  const {
    depth,
    classes = IMAGENET.classes,
    inputShape = IMAGENET.inputShape,
    initialization = "fan-out",
    ...residual
  } = options;
  if (!IMAGENET_DEPTHS.includes(depth)) {
    throw new UsageError(
      `Expected the depth of an ImageNet ResNet to be one of ${IMAGENET_DEPTHS.join(", ")} but it is ${depth}`,
    );
  }
  const { block, blocks } = TABLE[depth as keyof typeof TABLE];
  const layers: Layer[] = [{ name: "conv1", block: imageNetStem({ initialization }) }];
  for (const [stage, channels] of [64, 128, 256, 512].entries()) {
    for (let k = 0; k < blocks[stage]; k++) {
      const name = `layer${stage + 1}.${k}`, stride = stage > 0 && k === 0 ? 2 : 1;
      layers.push({ name, block: block({ name, channels, stride, initialization, ...residual }) });
    }
  }
  layers.push({ name: "fc", block: classifierHead("fc", classes) });
  const name = `${residual.shortcut === "none" ? "plain" : "resnet"}${depth}`;
  return sequential({ name, classes, inputShape, layers });
}
