/** The rows of `bench:webgpu`. */

import type { Precision } from "../../core/mod.ts";
import { RESNET20 } from "../cpu/resnet20.ts";
import { convolutionRows, type ConvolutionShape, type NetworkName, type Row, SHAPES } from "../cpu/work.ts";

/** A row, and where the table shows it. */
export interface GpuRow extends Row {
  /** The heading above it. */
  readonly group: string;
  /** Its name under the heading. */
  readonly label: string;
}

/** The sizes of the rows. */
interface Sizes {
  /** The sides of the square products. */
  readonly products: readonly number[];
  /** The batch of training: of ResNet-20 and of the others. */
  readonly training: { readonly resnet20: number; readonly others: number };
  /** The batches of inference. */
  readonly inference: readonly number[];
  /** The side of an image of the networks for photographs. */
  readonly image: number;
  /** The batch of convolutions: of ResNet-20's and of the others'. */
  readonly convolutions: { readonly resnet20: number; readonly others: number };
  /** What a convolution's height and width are divided by. */
  readonly shrink: number;
}

const FULL: Sizes = {
  products: [1024, 2048, 4096],
  training: { resnet20: 128, others: 64 },
  inference: [1, 16, 64],
  image: 224,
  convolutions: { resnet20: 128, others: 64 },
  shrink: 1,
};

/** Small enough for a software adapter, to try the benchmark itself. */
const SMALL: Sizes = {
  products: [64, 128, 256],
  training: { resnet20: 4, others: 2 },
  inference: [1, 2],
  image: 32,
  convolutions: { resnet20: 2, others: 1 },
  shrink: 4,
};

const NETWORKS: readonly NetworkName[] = ["resnet20", "resnet18", "resnet50", "mobilenet_v2"];
const PRECISIONS: readonly Precision[] = ["float32", "mixed"];

/** Convolutions of ResNet-18 that ResNet-50 has not, beside those of `bench:cpu`. */
const RESNET18_SHAPES: readonly ConvolutionShape[] = [
  ["resnet18", 64, 3, 2, 64, 128, 56],
  ["resnet18", 64, 3, 2, 128, 256, 28],
  ["resnet18", 64, 3, 2, 256, 512, 14],
];

/** The rows in the order in which they are measured: those that say the most come first. */
export function gpuRows(small: boolean = false): GpuRow[] {
  const sizes = small ? SMALL : FULL;
  return [
    ...sizes.products.map((n): GpuRow => ({
      name: `gemm ${n}x${n}x${n}`,
      group: "products",
      label: `${n}x${n}x${n}`,
      work: { kind: "matmul", m: n, n, k: n },
    })),
    ...PRECISIONS.flatMap((precision) => NETWORKS.map((network) => trainingRow(network, precision, sizes))),
    ...PRECISIONS.flatMap((precision) =>
      NETWORKS.flatMap((network) => sizes.inference.map((batch) => inferenceRow(network, batch, precision, sizes)))
    ),
    ...NETWORKS.flatMap((network) =>
      [...SHAPES, ...RESNET18_SHAPES].filter(([of]) => of === network).flatMap((shape) => convolutions(shape, sizes))
    ),
  ];
}

function imageSize(network: NetworkName, { image }: Sizes): number {
  return network === "resnet20" ? RESNET20.size : image;
}

/** The end of a name that tells the precision. */
function suffix(precision: Precision): string {
  return precision === "mixed" ? " mixed" : "";
}

function trainingRow(network: NetworkName, precision: Precision, sizes: Sizes): GpuRow {
  const batch = network === "resnet20" ? sizes.training.resnet20 : sizes.training.others;
  const size = imageSize(network, sizes), label = `${network} batch ${batch}${suffix(precision)}`;
  const work = { kind: "training", network, batch, size, precision } as const;
  return { name: `training ${label}`, group: "training", label, work };
}

function inferenceRow(network: NetworkName, batch: number, precision: Precision, sizes: Sizes): GpuRow {
  const size = imageSize(network, sizes), label = `${network} batch ${batch}${suffix(precision)}`;
  const work = { kind: "inference", network, batch, size, precision } as const;
  return { name: `inference ${label}`, group: "inference", label, work };
}

function convolutions(shape: ConvolutionShape, { convolutions: batches, shrink }: Sizes): GpuRow[] {
  const [network, , kernel, stride, inputs, outputs, full, ...rest] = shape;
  const batch = network === "resnet20" ? batches.resnet20 : batches.others, size = Math.max(7, full / shrink);
  return convolutionRows([network, batch, kernel, stride, inputs, outputs, size, ...rest]).map((row) => ({
    ...row,
    group: `convolutions of ${network}, batch ${batch}`,
    label: row.name.slice(network.length + 1).replace(/(\d+)x\1 (?=[a-z-]+$)/, "$1 ").replace("input-gradient", "dx")
      .replace("weight-gradient", "dw"),
  }));
}
