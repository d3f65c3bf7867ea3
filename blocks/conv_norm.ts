/** Convolution + batch norm + activation: the unit of which every network here is made. */

import { f32, type Graph, type Initializer, UsageError, type Value } from "../core/mod.ts";
import { batchNorm, batchNormInference, conv2d, depthwiseConv2d, relu, relu6, samePadding } from "../ops/mod.ts";

import { syncNormalize } from "./_sync_norm.ts";

/** Part of a network: it records what it computes in a graph. */
export interface Block {
  /**
   * Records the block.
   *
   * @param graph The graph; {@link Graph.takesBatchStatistics} chooses between batch and running statistics.
   * @param input [N, C, H, W] in most blocks.
   * @returns The output.
   */
  forward(graph: Graph, input: Value): Value;
}

/** The non-linearity after a normalised convolution. */
export type Activation = "relu" | "relu6" | "none";

/** The initialisation of convolution weights: He et al. 2015, "Delving Deep into Rectifiers", fan-in or fan-out. */
export type HeInitialization = "fan-in" | "fan-out";

/** Records an activation. */
export function activate(graph: Graph, input: Value, activation: Activation): Value {
  if (activation === "none") return input;
  return (activation === "relu" ? relu : relu6).apply(graph, [input])[0];
}

/** The initialiser of convolution weights. */
export function heInitializer(initialization: HeInitialization): Initializer {
  return { kind: "heNormal", fan: initialization === "fan-in" ? "in" : "out" };
}

/**
 * Records batch norm with torchvision's names: `weight`, `bias`, `running_mean`, `running_var` (Ioffe and Szegedy 2015).
 *
 * @param name The layer's name, such as `layer1.0.bn1`.
 * @param input [N, C, H, W].
 * @param initialGamma The first scale; with 0 a residual branch starts as nothing.
 * @param epsilon What is added to the variance.
 */
export function normalize(graph: Graph, name: string, input: Value, initialGamma = 1, epsilon = 1e-5): Value {
  const spec = f32([input.spec.shape[1]]);
  const inputs = [
    input,
    graph.parameter(`${name}.weight`, spec, { kind: "constant", value: initialGamma }),
    graph.parameter(`${name}.bias`, spec, { kind: "constant", value: 0 }),
    graph.state(`${name}.running_mean`, spec, { kind: "constant", value: 0 }),
    graph.state(`${name}.running_var`, spec, { kind: "constant", value: 1 }),
  ];
  if (!graph.takesBatchStatistics(name)) return batchNormInference.apply(graph, inputs, { epsilon })[0];
  if (graph.statisticsRanks > 1) return syncNormalize(graph, inputs, epsilon);
  return batchNorm.apply(graph, inputs, { epsilon })[0];
}

/**
 * Where zeros go around an image, so that stride 1 keeps the size: as many on both sides, as in PyTorch; or what TensorFlow
 * calls SAME, which with stride 2 and an even size has none above and on the left ({@link samePadding}).
 */
export type ConvolutionPadding = "symmetric" | "same";

/** The options of {@link convolve}. */
export interface ConvolutionOptions {
  /** The convolution's name, such as `layer1.0.conv1`. */
  readonly conv: string;
  /** Output channels. */
  readonly channels: number;
  /** The kernel's height and width. Defaults to 3. */
  readonly kernel?: number;
  /** The stride, down and across. Defaults to 1. */
  readonly stride?: number;
  /** Where zeros go. Defaults to symmetric. */
  readonly padding?: ConvolutionPadding;
  /** Whether each input channel has kernels of its own, channels/C of them. Defaults to no. */
  readonly depthwise?: boolean;
  /** The initialisation of the weights. Defaults to fan-in. */
  readonly initialization?: HeInitialization;
}

/** Records a convolution without bias, padded so that stride 1 keeps the size. The input is [N, C, H, W]. */
export function convolve(graph: Graph, input: Value, options: ConvolutionOptions): Value {
  const { conv, channels, kernel = 3, stride = 1, depthwise = false, initialization = "fan-in" } = options;
  const [, inputs, ...inputSize] = input.spec.shape, half = (kernel - 1) >> 1;
  const shape = [channels, depthwise ? 1 : inputs, kernel, kernel];
  const weight = graph.parameter(`${conv}.weight`, f32(shape), heInitializer(initialization));
  const padding = options.padding === "same"
    ? samePadding({ inputSize, kernel: [kernel, kernel], stride: [stride, stride] })
    : [half, half];
  const window = { stride: [stride, stride], padding };
  return (depthwise ? depthwiseConv2d : conv2d).apply(graph, [input, weight], window)[0];
}

/** The options of {@link convNorm}. */
export interface ConvNormOptions extends ConvolutionOptions {
  /** The batch norm's name, such as `layer1.0.bn1`. */
  readonly norm: string;
  /** The activation. Defaults to ReLU. */
  readonly activation?: Activation;
  /** The first scale of batch norm. Defaults to 1. */
  readonly initialGamma?: number;
  /** What batch norm adds to the variance. Defaults to 1e-5. */
  readonly epsilon?: number;
}

/**
 * Convolution without bias, padded so that stride 1 keeps the size, then batch norm and an activation.
 *
 * @throws {UsageError} If the channels are not a positive whole number.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { convNorm } from "@residua/residua";
 * const graph = new Graph({ training: true });
 * const image = graph.input("image", f32([2, 3, 32, 32]));
 * const output = convNorm({ conv: "conv1", norm: "bn1", channels: 16 }).forward(graph, image);
 * console.log(output.spec.shape); // [ 2, 16, 32, 32 ]
 * ```
 */
export function convNorm(options: ConvNormOptions): Block {
  const { conv, norm, channels, activation = "relu", initialGamma, epsilon } = options;
  if (!Number.isInteger(channels) || channels < 1) {
    throw new UsageError(`${conv}: expected channels to be a whole number of at least 1 but it is ${channels}`);
  }
  return {
    forward: (graph, input) =>
      activate(graph, normalize(graph, norm, convolve(graph, input, options), initialGamma, epsilon), activation),
  };
}

/**
 * Batch norm and an activation, as at the end of a network of pre-activation blocks.
 *
 * @param norm The batch norm's name.
 *
 * @example
 * ```ts
 * import { f32, Graph } from "@residua/residua";
 * import { normActivation } from "@residua/residua/blocks";
 * const graph = new Graph();
 * const features = graph.input("features", f32([2, 64, 8, 8]));
 * console.log(normActivation("bn").forward(graph, features).spec.shape); // [ 2, 64, 8, 8 ]
 * ```
 */
export function normActivation(norm: string, activation: Activation = "relu"): Block {
  return { forward: (graph, input) => activate(graph, normalize(graph, norm, input), activation) };
}
