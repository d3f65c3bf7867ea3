/** The CPU backend gives the same bits whatever the number of threads, and its kernels stay inside their memory. */

import { assert, assertEquals } from "@std/assert";
import { compile, CpuBackend, elementCount, f32, Graph, listOps, type Op, Random, type Storage } from "../core/mod.ts";
import { compileKernels } from "../core/cpu/kernels.ts";
import { CpuMemory } from "../core/cpu/memory.ts";
import { Threads } from "../core/cpu/threads.ts";
import { cifarResNet } from "../models/mod.ts";
import {
  adamwUpdate,
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient,
  linear,
  rmspropUpdate,
  sgdUpdate,
} from "../ops/mod.ts";
import { Trainer } from "../train/mod.ts";
import { smallBatch } from "./_training.ts";

Deno.test("a model's weights after some steps are the same to the bit with 1, 2, 3 and 5 threads", async () => {
  const model = cifarResNet({ depth: 8, inputShape: [3, 20, 20], classes: 7 }),
    { images, labels } = smallBatch(model, 9);
  const runs = [];
  for (const threads of [1, 2, 3, 5]) {
    const backend = await CpuBackend.create({ threads });
    const trainer = await Trainer.create({ model, backend, batch: 9, seed: 6 });
    for (let step = 0; step < 4; step++) trainer.step({ images, labels }, 0.05);
    runs.push([...(await trainer.variables.read(true)).values()].map(({ data }) => new Uint32Array(data.buffer)));
    trainer.destroy();
    backend.destroy();
  }
  for (const run of runs) assertEquals(run, runs[0]);
});

Deno.test("updates of SGD, RMSProp and AdamW are the same to the bit with 1, 2 and 5 threads, and agree with float64", async () => {
  for (const [op, states] of [[sgdUpdate, 1], [rmspropUpdate, 2], [adamwUpdate, 2]] as const) {
    // Several tasks, the last of which is no whole number of vectors.
    const shape = [3, 11_003],
      random = new Random(7, op.name),
      specs = Array.from({ length: 2 + states }, () => f32(shape));
    const inputs = [...specs, f32([]), ...(op === adamwUpdate ? [f32([2])] : [])];
    const arrays = inputs.map((spec) =>
      Float32Array.from({ length: elementCount(spec.shape) }, () => random.uniform(0.1, 1))
    );
    const exact = arrays.map((array) => Float64Array.from(array)), { attributes } = op;
    (op as Op).reference({ inputs, outputs: [], attributes })(exact);
    const runs = [];
    for (const threads of [1, 2, 5]) {
      const backend = await CpuBackend.create({ threads }), graph = new Graph();
      const values = inputs.map((spec, k) => graph.state(`${k}`, spec, { kind: "constant", value: 0 }));
      op.apply(graph, values);
      const variables = new Map(inputs.map((spec, k) => [`${k}`, backend.allocate(spec)]));
      arrays.forEach((array, k) => variables.get(`${k}`)!.write(array));
      const program = await compile(graph, backend, { variables });
      program.run();
      runs.push(await Promise.all(op.updates!.map((k) => variables.get(`${k}`)!.read() as Promise<Float32Array>)));
      program.destroy();
      backend.destroy();
    }
    for (const run of runs) assertEquals(run, runs[0]);
    for (const [k, array] of runs[0].entries()) {
      const largest = exact[k].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const difference = array.reduce((most, value, i) => Math.max(most, Math.abs(value - exact[k][i])), 0) / largest;
      assert(difference > 0 && difference < 1e-6, `${op.name}, ${k}: ${difference}`);
    }
  }
});

/** Convolutions that are cut into several tasks in every way there is. */
const SPLIT_CONVOLUTIONS = [
  { about: "many images", input: [37, 5, 9, 9], weight: [6, 5, 3, 3], attributes: { padding: [1, 1] } },
  { about: "several bands an image", input: [2, 64, 41, 62], weight: [9, 64, 3, 3], attributes: { padding: [1, 0] } },
  { about: "ranges of outputs", input: [1, 33, 7, 7], weight: [70, 33, 3, 3], attributes: { padding: [1, 1] } },
  {
    about: "ranges of outputs that share columns",
    input: [1, 140, 15, 13],
    weight: [64, 70, 3, 3],
    attributes: { groups: 2, stride: [2, 2], padding: [1, 1] },
  },
  { about: "blocks of positions of all images", input: [29, 270, 5, 3], weight: [48, 270, 1, 1] },
  { about: "blocks of positions", input: [1, 12, 71, 91], weight: [40, 12, 1, 1] },
  { about: "blocks of depth", input: [2, 300, 5, 5], weight: [24, 300, 1, 1] },
  { about: "blocks of positions in place", input: [1, 12, 70, 90], weight: [40, 12, 1, 1] },
  { about: "blocks of depth and of outputs in place", input: [2, 300, 6, 6], weight: [97, 300, 1, 1] },
  { about: "tiles of one image in place", input: [1, 271, 14, 14], weight: [96, 271, 1, 1] },
  { about: "groups in place", input: [3, 30, 2, 6], weight: [33, 10, 1, 1], attributes: { groups: 3 } },
  { about: "single tiles in place", input: [1, 5, 2, 2], weight: [3, 5, 1, 1] },
  { about: "blocks of inputs", input: [7, 2041, 7, 7], weight: [5, 2041, 1, 1] },
  { about: "blocks of inputs and of outputs", input: [3, 517, 11, 13], weight: [257, 517, 1, 1] },
  {
    about: "images that share a block",
    input: [19, 9, 10, 10],
    weight: [17, 9, 3, 3],
    attributes: { stride: [2, 2], padding: [1, 1] },
  },
];

for (const { about, input, weight, attributes } of SPLIT_CONVOLUTIONS) {
  Deno.test(`convolutions cut into ${about} have the same bits with 1 and 3 threads, and agree with float64`, async () => {
    const random = new Random(8, about), traced = new Graph();
    const [{ spec: output }] = conv2d.apply(traced, [
      traced.input("x", f32(input)),
      traced.input("w", f32(weight)),
    ], attributes);
    const fill = (shape: readonly number[]) =>
      Float32Array.from({ length: elementCount(shape) }, () => random.normal());
    const x = fill(input), w = fill(weight), dy = fill(output.shape), results: Float32Array[][] = [];
    for (const threads of [1, 3]) {
      const backend = await CpuBackend.create({ threads }), graph = new Graph();
      const values = [f32(input), f32(weight), output].map((spec, index) => graph.input(`${index}`, spec));
      const outputs = {
        y: conv2d.apply(graph, [values[0], values[1]], attributes)[0],
        dx: conv2dInputGradient.apply(graph, [values[2], values[1]], { ...attributes, inputSize: input.slice(2) })[0],
        dw:
          conv2dWeightGradient.apply(graph, [values[0], values[2]], { ...attributes, kernelSize: weight.slice(2) })[0],
      };
      const program = await compile(graph, backend, { outputs, poison: true });
      [x, w, dy].forEach((data, index) => program.write(`${index}`, data));
      program.run();
      results.push(
        await Promise.all(Object.keys(outputs).map(async (name) => await program.read(name) as Float32Array)),
      );
      if (threads === 3) {
        graph.nodes.forEach((node, index) => {
          const arrays = [[x, w], [dy, w], [x, dy]][index].map((data) => Float64Array.from(data));
          const expected = new Float64Array(elementCount(node.outputs[0].shape));
          node.op.reference(node)([...arrays, expected]);
          const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          results[1][index].forEach((value, i) =>
            assert(Math.abs(value - expected[i]) <= 5e-6 * largest, `${node.op.name}: ${value}, not ${expected[i]}`)
          );
        });
      }
      backend.destroy();
    }
    assertEquals(
      results[0].map(({ buffer }) => new Uint32Array(buffer)),
      results[1].map(({ buffer }) => new Uint32Array(buffer)),
    );
  });
}

Deno.test("linear layers give an image the same bits in every batch", async () => {
  for (const [depth, outputs, biased] of [[1283, 131, true], [259, 7, false], [64, 10, true], [3, 1, true]] as const) {
    const random = new Random(9, `${depth}`), most = 19;
    const fill = (count: number) => Float32Array.from({ length: count }, () => random.normal());
    const x = fill(most * depth), w = fill(outputs * depth), bias = fill(outputs);
    const results = [];
    for (const batch of [most, 1, 2, 5, 8, 9]) {
      using backend = await CpuBackend.create({ threads: 2 });
      const graph = new Graph(),
        values = [f32([batch, depth]), f32([outputs, depth]), f32([outputs])]
          .slice(0, biased ? 3 : 2).map((spec, index) => graph.input(`${index}`, spec));
      const program = await compile(graph, backend, {
        outputs: { y: linear.apply(graph, values)[0] },
        poison: true,
      });
      [x.subarray(0, batch * depth), w, bias].slice(0, values.length).forEach((data, k) => program.write(`${k}`, data));
      program.run();
      results.push(await program.read("y") as Float32Array);
    }
    for (const result of results) assertEquals(result, results[0].subarray(0, result.length));
  }
});

/** What a kernel must not touch. */
const SENTINEL = 0x7fedcba9;

/** Whether nothing was written from an index on. A loop, since a callback for each word took most of the test's time. */
function holdsSentinels(words: Uint32Array, from: number): boolean {
  for (let i = from; i < words.length; i++) if (words[i] !== SENTINEL) return false;
  return true;
}

Deno.test("kernels stay inside the scratch memory that they ask for, and read nothing there that they did not write", async () => {
  const memory = new CpuMemory(), kernels = compileKernels(), threads = new Threads(memory, kernels);
  const backend = new CpuBackend(memory, threads, kernels.build), random = new Random(9, "scratch");
  threads.reserveScratch(8 << 20);
  for (const op of listOps()) {
    if (op.cpu === undefined) continue;
    for (const sample of op.samples()) {
      const graph = new Graph(), storages = new Map<string, Storage>();
      const inputs = sample.inputs.map((spec, index) => {
        if (!op.updates?.includes(index)) return graph.input(`${index}`, spec);
        storages.set(`${index}`, backend.allocate(spec));
        return graph.state(`${index}`, spec, { kind: "constant", value: 0 });
      });
      const results = graph.apply(op, inputs, sample.attributes);
      const outputs = Object.fromEntries(results.map((value, index) => [`${index}`, value]));
      const program = await compile(graph, backend, { outputs, variables: storages, fuse: false });
      const data = sample.inputs.map(({ shape, dtype }) =>
        dtype === "f32" ? new Float32Array(elementCount(shape)).fill(1) : new Uint32Array(elementCount(shape))
      );
      data.forEach((array) => array instanceof Float32Array && array.forEach((_, i) => array[i] = random.normal()));
      sample.fill?.(data, random);
      const asked = op.cpu(graph.nodes[0]).scratch ?? 0;
      const words = new Uint32Array(memory.memory.buffer, threads.scratch, (8 << 20) / 4);
      const bits: Uint32Array[][] = [];
      for (const garbage of [SENTINEL, 0x3f800000]) {
        words.fill(garbage, 0, asked).fill(SENTINEL, asked);
        data.forEach((array, index) =>
          (storages.get(`${index}`) ?? { write: (d: typeof array) => program.write(`${index}`, d) }).write(array)
        );
        program.run();
        const label = `${op.name} ${JSON.stringify(sample)}`;
        assert(holdsSentinels(words, asked), `${label} wrote beyond ${asked} floats`);
        const read = await Promise.all(results.map((_, index) => program.read(`${index}`)));
        bits.push(read.map((array) => new Uint32Array(array.slice().buffer)));
      }
      assertEquals(bits[0], bits[1], `${op.name} ${JSON.stringify(sample)} reads what its scratch held before`);
      program.destroy();
      for (const storage of storages.values()) storage.destroy();
    }
  }
});
