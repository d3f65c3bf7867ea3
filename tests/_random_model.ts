/** Networks of every kind with random weights and statistics, small enough to run in tests. */

import {
  bottleneckBlock,
  classifierHead,
  convNorm,
  normActivation,
  preActivationBlock,
  residualBlock,
  type Shortcut,
} from "../blocks/mod.ts";
import { elementCount, f32, Graph, Random, type Value } from "../core/mod.ts";
import { type Layer, modelByName, sequential, type SequentialModel } from "../models/mod.ts";
import { initialize, type NamedTensor } from "../weights/mod.ts";

/** Blocks in a row between a stem and a head, on odd sizes. */
function smallNetwork(name: string, blocks: readonly Layer[]): SequentialModel {
  const layers = [
    { name: "conv1", block: convNorm({ conv: "conv1", norm: "bn1", channels: 6 }) },
    ...blocks,
    { name: "fc", block: classifierHead("fc", 7) },
  ];
  return sequential({ name, classes: 7, inputShape: [3, 13, 11], layers });
}

function preActivation(): SequentialModel {
  const blocks = [[8, 1], [8, 1], [12, 2]].map(([channels, stride], index) => {
    const name = `layer.${index}`;
    return { name, block: preActivationBlock({ name, channels, stride }) };
  });
  return smallNetwork("pre-activation", [...blocks, { name: "bn", block: normActivation("bn") }]);
}

function bottleneck(shortcut: Shortcut): SequentialModel {
  const blocks = [1, 2].map((stride) => {
    const name = `layer${stride}.0`;
    return { name, block: bottleneckBlock({ name, channels: 4 * stride, stride, shortcut }) };
  });
  return smallNetwork(`bottleneck ${shortcut}`, blocks);
}

function pooled(): SequentialModel {
  const options = { name: "layer1.0", channels: 8, stride: 2, downsampling: "maxPool" } as const;
  return smallNetwork("max pool", [{ name: "layer1.0", block: residualBlock(options) }]);
}

/** One network of each kind that there is. */
export function smallModels(): SequentialModel[] {
  return [
    modelByName("resnet20", { shortcut: "A" }),
    modelByName("resnet20", { shortcut: "B" }),
    modelByName("resnet8", { shortcut: "C", inputShape: [1, 17, 15] }),
    modelByName("plain20"),
    modelByName("resnet18", { inputShape: [3, 64, 64], classes: 20 }),
    modelByName("mobilenet_v2_cifar_0.5"),
    bottleneck("A"),
    bottleneck("B"),
    preActivation(),
    pooled(),
  ];
}

/** The values of a network that a checkpoint holds, in their order. */
function checkpointValues(model: SequentialModel): Value[] {
  const graph = new Graph();
  model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
  return graph.values.filter(({ initializer }) => initializer !== undefined);
}

/** The names of a network's weights and statistics, in their order. */
export function tensorNames(model: SequentialModel): string[] {
  return checkpointValues(model).map(({ name }) => name);
}

/** A model's tensors: weights as they start, and scales, shifts and statistics as training might leave them. */
export function randomTensors(model: SequentialModel, seed: number): Map<string, NamedTensor> {
  const random = new Random(seed, model.name), tensors = new Map<string, NamedTensor>();
  for (const { name, spec: { shape }, initializer } of checkpointValues(model)) {
    const data = initialize(initializer!, shape, seed, name);
    if (name.endsWith("running_var")) data.forEach((_, k) => data[k] = random.uniform(0.4, 2.5));
    else if (shape.length === 1) data.forEach((value, k) => data[k] = value + 0.3 * random.normal());
    tensors.set(name, { shape, data });
  }
  return tensors;
}

/** Images of normal numbers. */
export function randomImages(model: SequentialModel, batch: number): Float32Array {
  const random = new Random(5, "images");
  return Float32Array.from({ length: batch * elementCount(model.inputShape) }, () => random.normal());
}

/** The largest difference of two rows of logits, as a share of the largest logit. */
export function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  let difference = 0, largest = 0;
  for (const [k, value] of expected.entries()) {
    largest = Math.max(largest, Math.abs(value));
    // Not max(), which a NaN would pass.
    if (!(Math.abs(actual[k] - value) <= difference)) difference = Math.abs(actual[k] - value);
  }
  return difference / largest;
}
