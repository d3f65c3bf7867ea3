/** Whole models on the CPU: options, fusion, and memory over many steps. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { compile, CpuBackend, elementCount, f32, Graph, plan, u32 } from "../core/mod.ts";
import type { Mixture } from "../data/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { softmaxCrossEntropy } from "../ops/mod.ts";
import { type BatchInputs, mixtureInputs, sgd, Trainer } from "../train/mod.ts";
import { Variables } from "../weights/mod.ts";
import { losses, smallBatch } from "./_training.ts";

Deno.test("cifarResNet() has the paper's parameter counts with option A, and torchvision's names", () => {
  for (const [depth, millions] of [[20, 0.27], [32, 0.46], [44, 0.66], [56, 0.85], [110, 1.7]]) {
    const graph = new Graph();
    cifarResNet({ depth, shortcut: "A" }).forward(graph, graph.input("image", f32([1, 3, 32, 32])));
    const count = graph.parameters.reduce((sum, { spec }) => sum + elementCount(spec.shape), 0);
    assertAlmostEquals(count / 1e6, millions, 0.04);
    assert(graph.parameters.some(({ name }) => name === "layer2.0.conv1.weight"));
  }
});

Deno.test("every shortcut and both kinds of downsampling train", async () => {
  for (const shortcut of ["A", "B", "C", "none"] as const) {
    for (const downsampling of ["stride", "maxPool"] as const) {
      const model = cifarResNet({
        depth: 8,
        inputShape: [3, 9, 9],
        shortcut,
        downsampling,
        zeroInitLastGamma: true,
        initialization: "fan-out",
      });
      const values = await losses(new CpuBackend(), model, 12, 0.02);
      assert(values[11] < values[0], `${shortcut} ${downsampling}: ${values}`);
    }
  }
});

Deno.test("fusion leaves the losses as they were, and saves ops", async () => {
  const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] }),
    backend = new CpuBackend(),
    batch = 4,
    { images, labels } = smallBatch(model, batch);
  const results = [];
  for (const fuse of [true, false]) {
    const graph = new Graph({ training: true }), label = graph.input("label", u32([batch]));
    const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
    const [loss] = softmaxCrossEntropy.apply(graph, [logits, label]);
    sgd(graph, loss);
    const variables = new Variables();
    variables.add(graph, backend, 1);
    const program = await compile(graph, backend, { scalars: { loss }, variables: variables.storages, fuse });
    program.write("image", images);
    program.write("label", labels);
    program.write("learningRate", Float32Array.of(0.01));
    for (let k = 0; k < 3; k++) program.run(true);
    results.push({
      rows: await program.readScalars(),
      ops: program.plan.nodes.length,
      names: program.plan.nodes.map(({ op }) => op.name),
    });
  }
  const [fused, plain] = results;
  fused.rows.forEach(([loss], k) => assertAlmostEquals(loss, plain.rows[k][0], 1e-5));
  assert(fused.ops < plain.ops);
  assert(["batchNormRelu", "batchNormAddRelu", "batchNormReluGradient"].every((name) => fused.names.includes(name)));
});

Deno.test("plan() gives values that live at the same time different buffers", () => {
  const model = cifarResNet({ depth: 8 }), graph = new Graph();
  const logits = model.forward(graph, graph.input("image", f32([2, 3, 32, 32])));
  const { nodes, placement, bufferSizes } = plan(graph, new Map([["logits", logits]]));
  for (const node of nodes) {
    const used = [...new Set([...node.arguments, ...node.results])].flatMap((value) => placement.get(value) ?? []);
    assertEquals(new Set(used).size, used.length);
  }
  assert(bufferSizes.length < 6);
});

Deno.test("steps allocate nothing on the CPU backend", async () => {
  const model = cifarResNet({ depth: 8, inputShape: [3, 4, 4] }),
    backend = new CpuBackend(),
    { images, labels } = smallBatch(model, 2);
  const trainer = await Trainer.create({ model, backend, batch: 2 });
  const run = async (steps: number) => {
    for (let k = 0; k < steps; k++) {
      trainer.step({ images, labels }, 0.001);
      await trainer.results();
    }
    return backend.liveBytes;
  };
  assertEquals(await run(20), await run(300));
});

Deno.test("a trainer of mixed images has the loss of their shares, smoothed, in parts of a batch as well", async () => {
  const model = cifarResNet({ depth: 8, classes: 4, inputShape: [3, 8, 8] });
  const { images, labels } = smallBatch(model, 8), others = labels.map((label) => (label + 1) % 4);
  const lossOf = async (
    options: { inputs?: BatchInputs; accumulate?: number },
    labels: Uint32Array,
    mixture?: Mixture,
  ) => {
    const trainer = await Trainer.create({
      model,
      backend: new CpuBackend(),
      batch: 8,
      labelSmoothing: 0.1,
      ...options,
    });
    trainer.step({ images, labels, mixture }, 0.1);
    const [{ loss }] = await trainer.results();
    trainer.destroy();
    return loss;
  };
  for (const accumulate of [1, 2]) {
    const [own, other] = [await lossOf({ accumulate }, labels), await lossOf({ accumulate }, others)];
    const mixture = { labels: others, shares: new Float32Array(8).fill(0.7) };
    assertAlmostEquals(
      await lossOf({ accumulate, inputs: mixtureInputs }, labels, mixture),
      0.7 * own + 0.3 * other,
      1e-5,
    );
  }
});
