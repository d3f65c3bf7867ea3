/** Mixed precision without a GPU: which types are recorded where, and what is refused. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  compile,
  CpuBackend,
  DeviceError,
  differentiate,
  f16,
  f32,
  Graph,
  listOps,
  type Node,
  plan,
  ShapeError,
  u32,
  UsageError,
} from "../core/mod.ts";
import { swish } from "../examples/custom_op/swish.ts";
import { cifarResNet, mobileNetV2, type SequentialModel } from "../models/mod.ts";
import { add, averageUpdate, conv2d, globalAveragePool, linear, relu, softmaxCrossEntropy } from "../ops/mod.ts";
import { compileInference, foldBatchNorm } from "../inference/mod.ts";
import { type Optimizer, parameterGradients, recordUpdates, Trainer } from "../train/mod.ts";
import { Variables } from "../weights/mod.ts";
import { runCli, withFolder } from "./_cli.ts";

function types({ inputs, outputs }: Pick<Node, "inputs" | "outputs">): string {
  return `${inputs.map(({ dtype }) => dtype)} -> ${outputs.map(({ dtype }) => dtype)}`;
}

/** Every kind of application in the planned training step of a model: the op's name and the types. */
function recorded(model: SequentialModel): Set<string> {
  const graph = new Graph({ training: true, precision: "mixed" });
  const image = graph.input("image", f32([4, ...model.inputShape])), label = graph.input("label", u32([4]));
  const [loss] = softmaxCrossEntropy.apply(graph, [model.forward(graph, image), label]);
  const gradients = parameterGradients(graph, loss);
  for (const { parameter, gradient } of gradients) assertEquals(gradient.spec, parameter.spec, parameter.name);
  const outputs = new Map(gradients.map(({ parameter, gradient }) => [parameter.name, gradient]));
  const { nodes } = plan(graph, new Map([...outputs, ["loss", loss]]));
  return new Set(nodes.map((node) => `${node.op.name}: ${types(node)}`));
}

Deno.test("activations and their gradients are f16 in mixed precision; statistics, losses and weights' gradients f32", () => {
  const plain = recorded(cifarResNet({ depth: 8, shortcut: "A", downsampling: "maxPool", inputShape: [3, 16, 16] }));
  for (
    const expected of [
      "cast: f32 -> f16",
      "conv2d: f16,f16 -> f16",
      "batchNormRelu: f16,f32,f32,f32,f32 -> f16,f32,f32",
      "batchNormAddRelu: f16,f32,f32,f32,f32,f16 -> f16,f32,f32",
      "maxPool2d: f16 -> f16,u32",
      "subsamplePad: f16 -> f16",
      "globalAveragePool: f16 -> f16",
      "linear: f16,f16,f32 -> f32",
      "softmaxCrossEntropy: f32,u32 -> f32,f32",
      "linearWeightGradient: f16,f16 -> f32",
      "maxPool2dGradient: f16,u32 -> f16",
      "subsamplePadGradient: f16 -> f16",
      "batchNormReluGradient: f16,f16,f16,f32,f32,f32 -> f16,f32,f32",
      "conv2dInputGradient: f16,f16 -> f16",
      "conv2dWeightGradient: f16,f16 -> f32",
    ]
  ) assert(plain.has(expected), `${expected} is not among\n${[...plain].join("\n")}`);
  const mobile = recorded(mobileNetV2({ width: 0.35, classes: 5, inputShape: [3, 32, 32] }));
  for (
    const expected of [
      "depthwiseConv2d: f16,f16 -> f16",
      "batchNormRelu6: f16,f32,f32,f32,f32 -> f16,f32,f32",
      "batchNormRelu6Gradient: f16,f16,f16,f32,f32,f32 -> f16,f32,f32",
      "dropout: f16,f32,f32 -> f16,u32",
      "dropoutGradient: f16,u32 -> f16",
    ]
  ) assert(mobile.has(expected), `${expected} is not among\n${[...mobile].join("\n")}`);
  // Nothing goes back and forth: only weights, the images and the gradient of the logits are rounded.
  assertEquals([...plain, ...mobile].filter((text) => text.startsWith("cast: f16")), []);
});

Deno.test("an op that says nothing of f16 gets f32, and gradients pass it", () => {
  const graph = new Graph({ precision: "mixed" });
  const x = graph.input("x", f32([1, 2, 4, 4]));
  const start = { kind: "constant", value: 1 } as const;
  const weight = graph.parameter("w", f32([2, 2, 1, 1]), start), head = graph.parameter("head", f32([3, 2]), start);
  const [inner] = conv2d.apply(graph, [x, weight]), [between] = swish.apply(graph, [inner]);
  const [y] = conv2d.apply(graph, [between, weight]);
  assertEquals([inner, between, y].map(({ spec }) => spec.dtype), ["f16", "f32", "f16"]);
  const [features] = globalAveragePool.apply(graph, [y]), [logits] = linear.apply(graph, [features, head]);
  const [loss] = softmaxCrossEntropy.apply(graph, [logits, graph.input("label", u32([1]))]);
  const [gradient] = differentiate(graph, loss, [weight]);
  assertEquals(gradient!.spec, weight.spec);
  const swishes = graph.nodes.filter(({ op }) => op.name === "swishGradient");
  assertEquals(swishes.map(types), ["f32,f32 -> f32"]);
});

Deno.test("a value is cast once for all that read it, and again once it has changed", () => {
  const graph = new Graph({ precision: "mixed" }), start = { kind: "constant", value: 1 } as const;
  const x = graph.input("x", f32([3, 2])), weight = graph.parameter("w", f32([4, 2]), start);
  const casts = () => graph.nodes.filter(({ op }) => op.name === "cast").map(({ arguments: [value] }) => value.name);
  linear.apply(graph, [x, weight]);
  linear.apply(graph, [x, weight]);
  assertEquals(casts(), ["x", "w"]);
  averageUpdate.apply(graph, [weight, weight, graph.input("share", f32([]))]);
  linear.apply(graph, [x, weight]);
  assertEquals(casts(), ["x", "w", "w"]);
});

Deno.test("a graph of float32 records no cast", () => {
  const graph = new Graph({ training: true }), model = cifarResNet({ depth: 8 });
  model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
  assert(graph.nodes.every(({ op, inputs }) => op.name !== "cast" && inputs.every(({ dtype }) => dtype === "f32")));
});

Deno.test("ops refuse f16 beside f32", () => {
  const graph = new Graph(), half = graph.input("a", f16([2, 2])), single = graph.input("b", f32([2, 2]));
  assertThrows(() => add.apply(graph, [half, single]), ShapeError, "f16 [2, 2] and f32 [2, 2]");
  assertThrows(() => linear.apply(graph, [half, single]), ShapeError, "expected weight to be f16 [O, 2] but it is f32");
  for (const op of listOps()) {
    if (op.float16Inputs === undefined) continue;
    for (const { inputs, attributes } of op.samples().slice(0, 3)) {
      const resolved = { ...op.attributes, ...attributes } as typeof op.attributes;
      const halves = op.float16Inputs(inputs.length, resolved);
      const mixed = inputs.map(({ shape, dtype }, index) => halves.includes(index) ? f16(shape) : { shape, dtype });
      assert(op.infer(mixed, resolved).length > 0, op.name);
      const other = inputs.findIndex((spec, index) => !halves.includes(index) && spec.dtype === "f32");
      if (other < 0) continue;
      assertThrows(() => op.infer(mixed.with(other, f16(inputs[other].shape)), resolved), ShapeError, op.name);
    }
  }
});

Deno.test("the CPU backend refuses mixed precision and f16", async () => {
  const backend = new CpuBackend(), model = cifarResNet({ depth: 8 });
  const message = 'Mixed precision cannot be had: the CPU backend computes in float32 alone; use `backend: "webgpu"`';
  await assertRejects(() => Trainer.create({ model, backend, batch: 2, precision: "mixed" }), UsageError, message);
  const inference = compileInference(model, backend, 1, new Variables(), { precision: "mixed" });
  await assertRejects(() => inference, UsageError, message);
  const graph = new Graph(), [y] = relu.apply(graph, [graph.input("x", f16([3]))]);
  await assertRejects(() => compile(graph, backend, { outputs: { y } }), DeviceError, "tensors of f16");
});

Deno.test("--precision mixed on the CPU, and another precision, end with 2 and a sentence", () =>
  withFolder(async (folder) => {
    for (
      const [args, message] of [
        [["mixed", "--backend", "cpu"], "Mixed precision cannot be had: the CPU backend computes in float32"],
        [["half"], '--precision: expected one of float32, mixed but "half" came'],
      ] as const
    ) {
      const { code, stderr } = await runCli(["train", "--out", `${folder}/run`, "--precision", ...args]);
      assertEquals([code, stderr.trim().split("\n").length], [2, 1], stderr);
      assert(stderr.startsWith(`error: ${message}`), stderr);
    }
  }));

Deno.test("mixed precision refuses an optimiser that cannot leave out a step", () => {
  const graph = new Graph({ training: true, precision: "mixed" }), optimizer: Optimizer = { update() {} };
  const parameter = graph.parameter("p", f32([2]), { kind: "constant", value: 0 });
  const parameters = [{ parameter, gradient: parameter }];
  assertThrows(() => recordUpdates(graph, optimizer, parameters, [], {}), UsageError, "cannot leave out a step");
});

Deno.test("foldBatchNorm() refuses a graph of mixed precision", () => {
  const graph = new Graph({ precision: "mixed" }), y = graph.input("x", f32([1]));
  assertThrows(() => foldBatchNorm(graph, new Map(), { y }), UsageError, "recorded in mixed precision");
});

Deno.test("differentiate() multiplies all gradients by its seed", () => {
  const graph = new Graph(), x = graph.input("x", f32([])), seed = graph.input("seed", f32([]));
  const [gradient] = differentiate(graph, x, [x], seed);
  assertEquals(gradient, seed);
});
