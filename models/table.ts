/** The table of models: what a name stands for. To add a model, write its file and its row. */

import { CIFAR, IMAGENET } from "./_image_sets.ts";
import { cifarResNet, isCifarDepth } from "./cifar_resnet.ts";
import { BASIC_DEPTHS, BOTTLENECK_DEPTHS, imageNetResNet, type ImageNetResNetOptions } from "./imagenet_resnet.ts";
import { mobileNetV2, type MobileNetV2Options } from "./mobilenet_v2.ts";
import type { SequentialModel } from "./model.ts";

/** What a model of any name may be told. What its name says already, or it has no use for, it does not heed. */
export interface ModelOptions extends Omit<ImageNetResNetOptions, "depth">, Omit<MobileNetV2Options, "stem"> {}

/** An option that some models heed and others do not. */
export type ModelOption = Exclude<keyof ModelOptions, "classes" | "inputShape">;

/** What a name says: the named groups of its row's pattern. */
export type NameParts = Readonly<Record<string, string | undefined>>;

/** Models of one kind. */
export interface ModelRow {
  /** What help says of them: their names, in short. */
  readonly about: string;
  /** The names that the papers have. Messages list them and suggest the nearest. */
  readonly names: readonly string[];
  /** What other names there are, for messages. */
  readonly others?: string;
  /** Matches their names. */
  readonly pattern: RegExp;
  /** Whether a name that matches is one of them. Defaults to yes. */
  readonly accepts?: (parts: NameParts) => boolean;
  /** The number of classes, by default. */
  readonly classes: number;
  /** Channels, height and width of an image, by default. */
  readonly inputShape: readonly [number, number, number];
  /** The options that change them, beside the classes and the image. */
  readonly heeds: readonly ModelOption[];
  /** Makes one. The options are those that it heeds, the classes and the image. */
  readonly build: (parts: NameParts, options: ModelOptions) => SequentialModel;
}

/** What shapes a network without shortcuts, and one with. */
const PLAIN = ["downsampling", "initialization"] as const,
  RESIDUAL = [...PLAIN, "shortcut", "zeroInitLastGamma"] as const;

/** The kinds of networks of He et al. 2015. */
type Kind = "resnet" | "plain";

function imageNet(kind: Kind, depths: readonly number[], heeds: readonly ModelOption[], listed = true): ModelRow {
  return {
    ...IMAGENET,
    about: `${kind}${depths.join(", ")}`,
    names: listed ? depths.map((depth) => `${kind}${depth}`) : [],
    pattern: new RegExp(`^${kind}(?<depth>\\d+)$`),
    accepts: ({ depth }) => depths.includes(Number(depth)),
    heeds,
    build: ({ depth }, options) => imageNetResNet({ ...options, ...withoutShortcut(kind), depth: Number(depth) }),
  };
}

function cifar(kind: Kind, depths: readonly number[], heeds: readonly ModelOption[]): ModelRow {
  return {
    ...CIFAR,
    about: `${kind} of depth 6n + 2 (${depths.join(", ")})`,
    names: depths.map((depth) => `${kind}${depth}`),
    others: `${kind} of any other depth 6n + 2`,
    // The prefix tells those of depth 50 and 152 from the ImageNet networks, which stand first.
    pattern: new RegExp(`^(cifar_)?${kind}(?<depth>\\d+)$`),
    accepts: ({ depth }) => isCifarDepth(Number(depth)),
    heeds,
    build: ({ depth }, options) => cifarResNet({ ...options, ...withoutShortcut(kind), depth: Number(depth) }),
  };
}

function withoutShortcut(kind: Kind): Pick<ModelOptions, "shortcut"> {
  return kind === "plain" ? { shortcut: "none" } : {};
}

function mobileNet(name: string, stem: "imagenet" | "cifar"): ModelRow {
  return {
    ...stem === "cifar" ? CIFAR : IMAGENET,
    about: `${name}, ${name}_WIDTH`,
    names: [name],
    others: `${name}_WIDTH`,
    pattern: new RegExp(`^${name}(?:_(?<width>\\d+(?:\\.\\d+)?))?$`),
    heeds: ["width", "dropout", "padding", "epsilon", "lastWidth"],
    build: ({ width }, options) =>
      mobileNetV2({ ...options, ...(width === undefined ? {} : { width: Number(width) }), stem }),
  };
}

/** All models. A name is of the first row that has it. */
export const MODELS: readonly ModelRow[] = [
  imageNet("resnet", BASIC_DEPTHS, RESIDUAL),
  imageNet("resnet", BOTTLENECK_DEPTHS, [...RESIDUAL, "strideOn"]),
  imageNet("plain", BASIC_DEPTHS, PLAIN),
  imageNet("plain", BOTTLENECK_DEPTHS, [...PLAIN, "strideOn"], false),
  mobileNet("mobilenet_v2", "imagenet"),
  mobileNet("mobilenet_v2_cifar", "cifar"),
  cifar("resnet", [20, 32, 44, 56, 110], RESIDUAL),
  cifar("plain", [20, 32, 44, 56], PLAIN),
];
