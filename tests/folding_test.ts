/** Batch norm folded into convolutions: the same logits, with what can be folded gone. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Backend,
  compile,
  CpuBackend,
  DataError,
  elementCount,
  f32,
  Graph,
  type Program,
  UsageError,
  type Value,
} from "../core/mod.ts";
import type { SequentialModel } from "../models/mod.ts";
import { batchNormInference, conv2d, relu } from "../ops/mod.ts";
import { compileFoldedInference, compileInference, foldBatchNorm } from "../inference/mod.ts";
import { type NamedTensor, Variables } from "../weights/mod.ts";
import { randomImages, randomTensors, relativeDifference, smallModels } from "./_random_model.ts";

async function logitsOf(program: Program, images: Float32Array): Promise<Float32Array> {
  program.write("image", images);
  program.run();
  const logits = await program.read("logits");
  program.destroy();
  return logits as Float32Array;
}

/** How often each op runs, sorted by name. */
function opCounts({ plan }: Program): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of plan.nodes.map(({ op }) => op.name).sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function plainAndFolded(
  backend: Backend,
  model: SequentialModel,
  tensors: Map<string, NamedTensor>,
  batch: number,
): Promise<Float32Array[]> {
  const images = randomImages(model, batch), plain = new Variables(), folded = new Variables();
  const before = await compileInference(model, backend, batch, plain);
  plain.write(tensors, "the test");
  const after = await compileFoldedInference(model, backend, batch, folded, tensors, "the test");
  const logits = [await logitsOf(before, images), await logitsOf(after, images)];
  plain.destroy();
  folded.destroy();
  return logits;
}

Deno.test("compileFoldedInference() gives the logits of compileInference() for every kind of network", async () => {
  const backend = await CpuBackend.create({ threads: 2 });
  try {
    for (const model of smallModels()) {
      const [plain, folded] = await plainAndFolded(backend, model, randomTensors(model, 3), 2);
      const difference = relativeDifference(folded, plain);
      assert(difference > 0 && difference < 1e-4, `${model.name}: ${difference}`);
    }
  } finally {
    backend.destroy();
  }
});

Deno.test("sums and activations are taken into folded convolutions", async () => {
  const wanted: Record<string, Record<string, number>> = {
    resnet18: { conv2d: 3, conv2dFused: 17, globalAveragePool: 1, linear: 1, maxPool2d: 1 },
    "bottleneck A": { conv2dFused: 7, globalAveragePool: 1, linear: 1, subsamplePad: 2 },
    "mobilenet_v2_cifar_0.5": {
      conv2d: 7,
      conv2dFused: 28,
      depthwiseConv2dFused: 17,
      globalAveragePool: 1,
      linear: 1,
    },
  };
  const backend = new CpuBackend();
  for (const model of smallModels().filter(({ name }) => name in wanted)) {
    const tensors = randomTensors(model, 1);
    const program = await compileFoldedInference(model, backend, 1, new Variables(), tensors, "the test");
    assertEquals(opCounts(program), wanted[model.name]);
  }
});

Deno.test("foldBatchNorm() leaves only the norms that stand before their convolution", () => {
  for (const model of smallModels()) {
    const graph = new Graph(), logits = model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
    const tensors = randomTensors(model, 1), folded = foldBatchNorm(graph, tensors, { logits });
    const left = folded.graph.nodes.filter(({ op }) => op.name.startsWith("batchNorm")).length;
    const before = graph.nodes.filter(({ op, arguments: [input] }) =>
      op.name === "batchNormInference" && !/conv2d$/i.test(graph.producer(input)!.op.name)
    ).length;
    assertEquals([model.name, left], [model.name, before]);
    assertEquals(left > 0, model.name === "pre-activation");
    const names = folded.graph.values.filter(({ initializer }) =>
      initializer !== undefined
    ).map(({ name }) => name);
    assertEquals([...folded.tensors.keys()].sort(), names.sort());
    assert(folded.tensors.has("conv1.bias") || folded.tensors.has("features.0.0.bias"), model.name);
  }
});

Deno.test("foldBatchNorm() takes a convolution's own bias in, and keeps what others read", async () => {
  const graph = new Graph(), image = graph.input("image", f32([2, 3, 5, 7]));
  const variable = (name: string, shape: number[]) =>
    graph.parameter(name, f32(shape), { kind: "fanInUniform", fanIn: 1 });
  const norm = (name: string, input: typeof image) =>
    batchNormInference.apply(graph, [
      input,
      ...["gamma", "beta", "mean"].map((part) => variable(`${name}.${part}`, [4])),
      variable(`${name}.variance`, [4]),
    ])[0];
  const shared = variable("shared", [4, 4, 1, 1]);
  const [own] = conv2d.apply(graph, [image, variable("a.weight", [4, 3, 3, 3]), variable("a.bias", [4])]);
  const [twice] = conv2d.apply(graph, [relu.apply(graph, [norm("a", own)])[0], variable("b.weight", [4, 4, 1, 1])]);
  const [first] = conv2d.apply(graph, [norm("b", twice), shared]);
  const [second] = conv2d.apply(graph, [norm("c", first), shared]);
  const outputs = { twice, last: norm("d", second) };
  const tensors = new Map(
    graph.values.filter(({ kind }) => kind === "parameter").map(({ name, spec: { shape } }, k) => {
      const data = new Float32Array(elementCount(shape)).map((_, i) => Math.sin(1 + i + 7 * k));
      return [name, { shape, data: name.endsWith("variance") ? data.map((value) => 0.5 + value * value) : data }];
    }),
  );
  const folded = foldBatchNorm(graph, tensors, outputs);
  assertEquals(folded.graph.nodes.map(({ op }) => op.name), [
    "conv2d",
    "relu",
    "conv2d",
    "batchNormInference",
    "conv2d",
    "batchNormInference",
    "conv2d",
    "batchNormInference",
  ]);
  const backend = new CpuBackend(), images = Float32Array.from({ length: 210 }, (_, k) => Math.cos(k * k));
  const run = async (of: Graph, values: Record<string, Value>, given: Map<string, NamedTensor>) => {
    const variables = new Variables();
    variables.add(of, backend, 0);
    variables.write(given, "the test");
    const program = await compile(of, backend, { outputs: values, variables: variables.storages });
    program.write("image", images);
    program.run();
    return [await program.read("twice"), await program.read("last")] as Float32Array[];
  };
  const expected = await run(graph, outputs, tensors), actual = await run(folded.graph, folded.outputs, folded.tensors);
  expected.forEach((values, k) => assert(relativeDifference(actual[k], values) < 1e-5));
});

Deno.test("folding says what is wrong with the tensors and the graph", async () => {
  const [model] = smallModels(), tensors = randomTensors(model, 1), backend = new CpuBackend();
  const refused = (changed: Map<string, NamedTensor>, message: string) =>
    assertRejects(
      () => compileFoldedInference(model, backend, 1, new Variables(), changed, "w.safetensors"),
      DataError,
      message,
    );
  const without = new Map(tensors);
  without.delete("bn1.running_var");
  await refused(without, "w.safetensors: the model needs the tensor bn1.running_var");
  await refused(new Map([...tensors, ["conv1.bias", tensors.get("bn1.bias")!]]), "holds the tensor conv1.bias");
  await refused(new Map([...tensors, ["bn1.bias", { shape: [1], data: new Float32Array(1) }]]), "float32 [16]");
  assertThrows(() => foldBatchNorm(new Graph({ training: true }), tensors, {}), UsageError, "graph of inference");
});
