/** Trains small networks with and without recomputation, which must not change a bit. */

import { assert, assertEquals } from "@std/assert";
import {
  bottleneckBlock,
  classifierHead,
  convNorm,
  dropElements,
  invertedResidualBlock,
  preActivationBlock,
} from "../blocks/mod.ts";
import { type Backend, compile, f32, Graph, plannedBytes, u32 } from "../core/mod.ts";
import { cifarResNet, sequential, type SequentialModel } from "../models/mod.ts";
import { softmaxCrossEntropy } from "../ops/mod.ts";
import { sgd } from "../train/mod.ts";
import { Variables } from "../weights/mod.ts";
import { assertSame } from "./_same.ts";
import { INVERTED, SMALL, SMALL_BATCH, smallBatch } from "./_training.ts";

/** Every kind of block, with dropout between two of them. Where it may, it has the shapes of {@link SMALL}. */
const mixed = sequential({
  name: "mixed",
  classes: 5,
  inputShape: SMALL.inputShape,
  layers: [
    { name: "stem", block: convNorm({ conv: "conv1", norm: "bn1", channels: 16 }) },
    { name: "a", block: bottleneckBlock({ name: "a", channels: 4 }) },
    { name: "drop1", block: { forward: (graph, input) => dropElements(graph, "drop1", input, 0.3) } },
    { name: "b", block: preActivationBlock({ name: "b", channels: 32, stride: 2 }) },
    { name: "c", block: invertedResidualBlock({ name: "c", channels: 32, stride: 1, expansion: 3 }) },
    { name: "drop2", block: { forward: (graph, input) => dropElements(graph, "drop2", input, 0.5) } },
    { name: "d", block: preActivationBlock({ name: "d", channels: 32 }) },
    { name: "e", block: bottleneckBlock({ name: "e", channels: 9, stride: 2, shortcut: "A" }) },
    { name: "fc", block: classifierHead("fc", 5, { dropout: 0.2 }) },
  ],
});

/** The networks, and the op that each must compute again. */
export const RECOMPUTED: readonly (readonly [string, SequentialModel, string])[] = [
  ["a ResNet-14", cifarResNet({ depth: 14, inputShape: SMALL.inputShape }), "batchNormRecomputeRelu"],
  [
    "a ResNet-20 with shortcuts A and max pool",
    cifarResNet({ depth: 20, inputShape: SMALL.inputShape, shortcut: "A", downsampling: "maxPool" }),
    "batchNormRecomputeAddRelu",
  ],
  ["inverted blocks", INVERTED, "batchNormRecomputeRelu6"],
  ["a network with dropout between blocks", mixed, "dropoutGradient"],
];

const STEPS = 3;

/** Trains on both ways, in poisoned memory, and compares losses and variables. */
export async function checkRecomputed(backend: Backend, model: SequentialModel, op: string): Promise<void> {
  const kept = await trained(backend, model, false), again = await trained(backend, model, true);
  assertEquals(again.losses, kept.losses);
  assert(kept.losses.every(Number.isFinite));
  assertSame(again.tensors, kept.tensors);
  const count = (ops: readonly string[]) => ops.filter((name) => name === op).length;
  assert(count(again.ops) > count(kept.ops), `${model.name} computes no ${op} again`);
  assert(again.bytes < 0.8 * kept.bytes, `${model.name} takes ${again.bytes} bytes instead of ${kept.bytes}`);
}

async function trained(backend: Backend, model: SequentialModel, recompute: boolean) {
  const { images, labels } = smallBatch(model, SMALL_BATCH);
  const graph = new Graph({ training: true }), label = graph.input("label", u32([SMALL_BATCH]));
  const logits = model.forward(graph, graph.input("image", f32([SMALL_BATCH, ...model.inputShape])));
  const [loss] = softmaxCrossEntropy.apply(graph, [logits, label]);
  sgd(graph, loss);
  const variables = new Variables();
  variables.add(graph, backend, 3);
  const program = await compile(graph, backend, {
    scalars: { loss },
    variables: variables.storages,
    recompute,
    poison: true,
  });
  program.write("image", images);
  program.write("label", labels);
  program.write("learningRate", Float32Array.of(0.05));
  for (let step = 0; step < STEPS; step++) program.run(true);
  const result = {
    losses: (await program.readScalars()).map(([value]) => value),
    tensors: await variables.read(true),
    ops: program.plan.nodes.map(({ op }) => op.name),
    bytes: plannedBytes(program.plan),
  };
  program.destroy();
  variables.destroy();
  return result;
}
