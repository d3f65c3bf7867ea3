/** The table of work for every peer: plain descriptions that travel as JSON, with their FLOPs. */

import { type Precision, UsageError } from "../../core/mod.ts";
import { summarizeModel } from "../../models/mod.ts";
import { servedModel } from "./networks.ts";
import { RESNET20, resNet20ForwardFlops } from "./resnet20.ts";

/** A matrix product c[m, n] = a[m, k] · b[n, k]ᵀ, as in a linear layer. */
export interface MatrixProductWork {
  readonly kind: "matmul";
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** One of a convolution's three products. */
export type ConvolutionPass = "forward" | "input-gradient" | "weight-gradient";

/** A square convolution of square images, or one of its gradients. */
export interface ConvolutionWork {
  readonly kind: "convolution";
  readonly pass: ConvolutionPass;
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Height and width of the input. */
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  /** 1, or the number of channels for a depthwise convolution. */
  readonly groups: number;
}

/** A whole pass of ResNet-20 over a batch: a step of SGD (momentum 0.9, weight decay 1e-4), or logits in eval mode. */
export interface NetworkWork {
  readonly kind: "resnet20";
  readonly pass: "training" | "evaluation";
  readonly batch: number;
  /** Height and width of an image. */
  readonly size: number;
}

/** ResNet-20, or one of torchvision's networks for 1000 classes, by its name there and here. */
export type NetworkName = "resnet20" | "resnet18" | "resnet50" | "mobilenet_v2";

/** A network over a batch of images. */
interface BatchWork {
  readonly network: NetworkName;
  readonly batch: number;
  /** Height and width of an image. */
  readonly size: number;
  /** Defaults to float32. */
  readonly precision?: Precision;
}

/** The logits of a network in eval mode. */
export interface InferenceWork extends BatchWork {
  readonly kind: "inference";
}

/** A step of SGD (momentum 0.9, weight decay 1e-4) of a network. */
export interface TrainingWork extends BatchWork {
  readonly kind: "training";
}

/** A piece of work for a peer. */
export type Work = MatrixProductWork | ConvolutionWork | NetworkWork | InferenceWork | TrainingWork;

/** A row of the table. */
export interface Row {
  /** Its name in the table. */
  readonly name: string;
  /** The work itself. */
  readonly work: Work;
}

/**
 * What takes the rows whose names match a regular expression, whatever the case.
 *
 * @throws {UsageError} If it is none.
 */
export function rowFilter(pattern: string = ""): (row: Pick<Row, "name">) => boolean {
  try {
    const matcher = new RegExp(pattern, "i");
    return ({ name }) => matcher.test(name);
  } catch (error) {
    throw new UsageError(`--rows: ${(error as Error).message}`);
  }
}

/** The learning rate of a training step. */
export const LEARNING_RATE = 0.1;

/** Height and width of a convolution's output. */
export function outputSize({ size, kernel, stride, padding }: ConvolutionWork): number {
  return Math.floor((size + 2 * padding - kernel) / stride) + 1;
}

/** Floating-point operations of a piece of work, a multiply-add counted as two; only products count in a network. */
export function flops(work: Work): number {
  if (work.kind === "matmul") return 2 * work.m * work.n * work.k;
  if (work.kind === "convolution") {
    const { batch, inputs, outputs, kernel, groups } = work;
    return 2 * batch * outputs * outputSize(work) ** 2 * (inputs / groups) * kernel ** 2;
  }
  if (work.kind === "inference") return 2 * work.batch * summarizeModel(servedModel(work)).multiplyAdds;
  if (work.kind === "training") {
    const { multiplyAdds, layers } = summarizeModel(servedModel(work));
    // As below: no gradient of the image.
    return 2 * work.batch * (3 * multiplyAdds - layers.find((layer) => layer.multiplyAdds > 0)!.multiplyAdds);
  }
  const { all, stem } = resNet20ForwardFlops(work.size);
  // The backward pass has two products for each of the forward pass, except the gradient of the image.
  return work.batch * (work.pass === "evaluation" ? all : 3 * all - stem);
}

/** Images in a batch, where a row's figure is images per second. */
export function images(work: Work): number | undefined {
  return work.kind === "matmul" || work.kind === "convolution" ? undefined : work.batch;
}

/** The factor of a peer's time to prepare the work: larger for large networks, which it reads and optimises. */
export function patience(work: Work): number {
  return work.kind === "inference" || work.kind === "training" ? 4 : 1;
}

/** Whether a step changes the network, so that its result is the network. */
export function isTraining(work: Work): boolean {
  return work.kind === "training" || (work.kind === "resnet20" && work.pass === "training");
}

/** Whether the work is of mixed precision. */
export function isMixed(work: Work): boolean {
  return "precision" in work && work.precision === "mixed";
}

/**
 * The same work for peers for which ResNet-20 was written by hand.
 *
 * @throws {Error} If it is another network, or of mixed precision.
 */
export function asResNet20(work: InferenceWork | TrainingWork): NetworkWork {
  const { kind, network, batch, size } = work;
  if (network !== "resnet20") throw new Error("of networks only ResNet-20 was written for it");
  if (isMixed(work)) throw new Error("float32 only");
  return { kind: "resnet20", pass: kind === "training" ? "training" : "evaluation", batch, size };
}

/** A convolution of a table: network, batch, kernel, stride, channels in and out, size, and whether it is depthwise. */
export type ConvolutionShape = readonly [
  network: string,
  batch: number,
  kernel: number,
  stride: number,
  inputs: number,
  outputs: number,
  size: number,
  depthwise?: "depthwise",
];

/** The convolutions of the table. */
export const SHAPES: readonly ConvolutionShape[] = [
  ["resnet20", 128, 3, 1, 16, 16, 32],
  ["resnet20", 128, 3, 1, 32, 32, 16],
  ["resnet20", 128, 3, 1, 64, 64, 8],
  ["resnet20", 128, 3, 2, 16, 32, 32],
  ["resnet50", 8, 3, 1, 64, 64, 56],
  ["resnet50", 8, 3, 1, 128, 128, 28],
  ["resnet50", 8, 3, 1, 256, 256, 14],
  ["resnet50", 8, 3, 1, 512, 512, 7],
  ["resnet50", 8, 1, 1, 64, 256, 56],
  ["resnet50", 8, 1, 1, 512, 128, 28],
  ["resnet50", 8, 1, 1, 1024, 256, 14],
  ["resnet50", 8, 1, 1, 2048, 512, 7],
  ["resnet50", 8, 7, 2, 3, 64, 224],
  ["mobilenet_v2", 8, 3, 2, 96, 96, 112, "depthwise"],
  ["mobilenet_v2", 8, 3, 1, 144, 144, 56, "depthwise"],
  ["mobilenet_v2", 8, 3, 1, 384, 384, 14, "depthwise"],
  ["mobilenet_v2", 8, 3, 1, 960, 960, 7, "depthwise"],
  ["mobilenet_v2", 8, 1, 1, 24, 144, 56],
  ["mobilenet_v2", 8, 1, 1, 384, 64, 14],
];

const PASSES: readonly ConvolutionPass[] = ["forward", "input-gradient", "weight-gradient"];

/** The rows of a convolution, one for each of its products. */
export function convolutionRows(
  [network, batch, kernel, stride, inputs, outputs, size, depthwise]: ConvolutionShape,
): Row[] {
  const channels = depthwise === undefined ? `${inputs}-${outputs}` : `${depthwise} ${inputs}`;
  const window = `${kernel}x${kernel}${stride > 1 ? `/${stride}` : ""}`;
  const padding = (kernel - 1) / 2, groups = depthwise === undefined ? 1 : inputs;
  return PASSES.map((pass) => ({
    name: `${network} ${window} ${channels} ${size}x${size} ${pass}`,
    work: { kind: "convolution", pass, batch, inputs, outputs, size, kernel, stride, padding, groups },
  }));
}

const NETWORKS = ["resnet18", "resnet50", "mobilenet_v2"] as const;

function inferenceRows(batches: readonly number[], size: number): Row[] {
  return NETWORKS.flatMap((network) =>
    batches.map((batch) => ({
      name: `${network} ${size}x${size} batch ${batch} inference`,
      work: { kind: "inference", network, batch, size },
    } satisfies Row))
  );
}

/** All rows, in the order of the table. */
export const ROWS: readonly Row[] = [
  { name: "gemm 1024x1024x1024", work: { kind: "matmul", m: 1024, n: 1024, k: 1024 } },
  ...SHAPES.flatMap(convolutionRows),
  { name: "resnet20 training step", work: { kind: "resnet20", pass: "training", batch: 128, size: RESNET20.size } },
  { name: "resnet20 evaluation", work: { kind: "resnet20", pass: "evaluation", batch: 128, size: RESNET20.size } },
  ...inferenceRows([1, 16], 224),
];

function smallConvolutions(window: Pick<ConvolutionWork, "kernel" | "stride">, groups: number): Row[] {
  const { kernel, stride } = window, channels = groups === 1 ? { inputs: 5, outputs: 8 } : { inputs: 6, outputs: 6 };
  const padding = (kernel - 1) / 2;
  return PASSES.map((pass) => ({
    name: `${kernel}x${kernel}${stride > 1 ? `/${stride}` : ""}${groups === 1 ? "" : " depthwise"} ${pass}`,
    work: { kind: "convolution", pass, batch: 3, size: 10, padding, groups, ...channels, ...window },
  }));
}

/** A small case of each kind of row, for `--check`. */
export const CHECK_ROWS: readonly Row[] = [
  { name: "gemm", work: { kind: "matmul", m: 20, n: 24, k: 36 } },
  ...smallConvolutions({ kernel: 3, stride: 1 }, 1),
  ...smallConvolutions({ kernel: 3, stride: 2 }, 1),
  ...smallConvolutions({ kernel: 1, stride: 1 }, 1),
  ...smallConvolutions({ kernel: 7, stride: 2 }, 1),
  ...smallConvolutions({ kernel: 3, stride: 1 }, 6),
  ...smallConvolutions({ kernel: 3, stride: 2 }, 6),
  { name: "resnet20 training step", work: { kind: "resnet20", pass: "training", batch: 4, size: 8 } },
  { name: "resnet20 evaluation", work: { kind: "resnet20", pass: "evaluation", batch: 4, size: 8 } },
  ...inferenceRows([2], 33),
];
