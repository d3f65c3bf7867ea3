/** Finds a model by the name that the command line and checkpoints use. */

import { didYouMean, UsageError } from "../core/mod.ts";
import { cifarResNet } from "./cifar_resnet.ts";
import { IMAGENET_DEPTHS, imageNetResNet, type ImageNetResNetOptions } from "./imagenet_resnet.ts";
import { mobileNetV2, type MobileNetV2Options } from "./mobilenet_v2.ts";
import type { SequentialModel } from "./model.ts";

/** What a model of any name may be told. What its name says already, or it has no use for, it does not heed. */
export interface ModelOptions
  extends Omit<ImageNetResNetOptions, "depth">, Pick<MobileNetV2Options, "width" | "dropout"> {}

/** The names that the papers have; {@link modelByName} knows others of their kinds too. */
export const MODEL_NAMES: readonly string[] = [
  ...IMAGENET_DEPTHS.map((depth) => `resnet${depth}`),
  "plain18",
  "plain34",
  "mobilenet_v2",
  "mobilenet_v2_cifar",
  ...[20, 32, 44, 56, 110].map((depth) => `resnet${depth}`),
  ...[20, 32, 44, 56].map((depth) => `plain${depth}`),
];

/** The options that shape a residual network alone. */
const RESIDUAL_OPTIONS = ["shortcut", "downsampling", "initialization", "zeroInitLastGamma", "strideOn"] as const;

/**
 * The options that the model of a name has no use for, so that a caller can refuse them.
 *
 * @throws {UsageError} If there is no model of that name.
 *
 * @example
 * ```ts
 * import { unusedModelOptions } from "./mod.ts";
 * console.log(unusedModelOptions("plain20").includes("shortcut")); // true
 * ```
 */
export function unusedModelOptions(name: string): (keyof ModelOptions)[] {
  modelByName(name);
  if (name.startsWith("mobilenet")) return [...RESIDUAL_OPTIONS];
  const plain = /plain/.test(name), bottleneck = /^resnet(50|101|152)$/.test(name);
  return [
    "width",
    "dropout",
    ...(plain ? ["shortcut", "zeroInitLastGamma"] as const : []),
    ...(bottleneck ? [] : ["strideOn"] as const),
  ];
}

/**
 * The model of that name:
 *
 * - `resnet18`, 34, 50, 101, 152, `plain18`, 34, `mobilenet_v2`: for images of 224x224 in 1000 classes, unless told otherwise;
 * - `resnet` or `plain` and any other depth of 6n + 2, `mobilenet_v2_cifar`: for images of 32x32 in 10 classes;
 * - `cifar_resnet50` and the like: those of depth 6n + 2 whose name an ImageNet network has;
 * - `mobilenet_v2_0.5` or `mobilenet_v2_cifar_0.5`: with a width.
 *
 * @throws {UsageError} If there is none; the error lists what there is and suggests the nearest.
 *
 * @example
 * ```ts
 * import { modelByName } from "./mod.ts";
 * console.log(modelByName("resnet20", { classes: 100 }).classes); // 100
 * console.log(modelByName("mobilenet_v2", { width: 0.5 }).name); // mobilenet_v2_0.5
 * ```
 */
export function modelByName(name: string, options: ModelOptions = {}): SequentialModel {
  const { width, dropout, ...residual } = options;
  const mobile = /^mobilenet_v2(_cifar)?(?:_(\d+(?:\.\d+)?))?$/.exec(name);
  if (mobile !== null) {
    const { classes, inputShape } = options, stem = mobile[1] === undefined ? "imagenet" : "cifar";
    return mobileNetV2({
      width: mobile[2] === undefined ? width : Number(mobile[2]),
      dropout,
      classes,
      inputShape,
      stem,
    });
  }
  const [, cifar, kind, digits] = /^(cifar_)?(resnet|plain)(\d+)$/.exec(name) ?? [];
  const depth = Number(digits), forImageNet = cifar === undefined && IMAGENET_DEPTHS.includes(depth);
  if (!forImageNet && !(depth >= 8 && depth % 6 === 2)) throw unknownModel(name);
  const network = { ...residual, depth, shortcut: kind === "plain" ? "none" : residual.shortcut } as const;
  if (forImageNet) return imageNetResNet(network);
  const { strideOn: _, ...basic } = network;
  return cifarResNet(basic);
}

function unknownModel(name: string): UsageError {
  return new UsageError(
    `There is no model named "${name}"${didYouMean(name, MODEL_NAMES)} There are ` +
      `${MODEL_NAMES.join(", ")}, any other resnet or plain of depth 6n + 2, and mobilenet_v2_WIDTH`,
  );
}
