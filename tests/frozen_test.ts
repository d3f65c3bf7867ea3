/** Programs whose variables are frozen pack weights once, and only those that nothing updates. */

import { assert, assertEquals } from "@std/assert";
import { compile, CpuBackend, f32, Graph, type Program, Random } from "../core/mod.ts";
import { conv2d, globalAveragePool, linear, sgdUpdate } from "../ops/mod.ts";
import { Variables } from "../train/mod.ts";

const SHAPE = [2, 5, 9, 11];

/** A 3x3 convolution by Winograd's filtering, a strided one, a pointwise one, and a linear layer. */
function network(): { graph: Graph; y: ReturnType<Graph["input"]> } {
  const graph = new Graph();
  const weight = (name: string, ...shape: number[]) =>
    graph.parameter(name, f32(shape), { kind: "heNormal", fan: "in" });
  let [value] = conv2d.apply(graph, [graph.input("image", f32(SHAPE)), weight("a", 7, 5, 3, 3)], { padding: [1, 1] });
  [value] = conv2d.apply(graph, [value, weight("b", 6, 7, 5, 5)], { stride: [2, 2], padding: [2, 2] });
  [value] = conv2d.apply(graph, [value, weight("c", 9, 6, 1, 1)]);
  const [y] = linear.apply(graph, [globalAveragePool.apply(graph, [value])[0], weight("d", 4, 9)]);
  return { graph, y };
}

function differ(a: Float32Array, b: Float32Array): boolean {
  return a.some((value, k) => value !== b[k]);
}

async function outputOf(program: Program, seed: number): Promise<Float32Array> {
  const random = new Random(seed, "image"), size = SHAPE.reduce((a, b) => a * b);
  program.write("image", Float32Array.from({ length: size }, () => random.normal()));
  program.run();
  return await program.read("y") as Float32Array;
}

Deno.test("frozen programs give what others give, step after step and side by side, from the weights of the first", async () => {
  const backend = await CpuBackend.create({ threads: 2 }), { graph, y } = network(), variables = new Variables();
  variables.add(graph, backend, 1);
  const make = (frozen: boolean) =>
    compile(graph, backend, { outputs: { y }, variables: variables.storages, poison: true, frozen });
  const programs = [await make(false), await make(true), await make(true)];
  try {
    for (const seed of [1, 2, 3]) {
      const [expected, ...actual] = await Promise.all(programs.map((program) => outputOf(program, seed)));
      for (const values of actual) assertEquals(values, expected);
    }
    const a = variables.storages.get("a")!, before = await outputOf(programs[0], 4);
    a.write((await a.read()).map((value) => 2 * value));
    assertEquals(await outputOf(programs[1], 4), before);
    assert(differ(await outputOf(programs[0], 4), before));
  } finally {
    programs.forEach((program) => program.destroy());
    backend.destroy();
  }
});

Deno.test("a frozen program uses the variables that it updates as they are", async () => {
  const backend = new CpuBackend(), results = [];
  for (const frozen of [false, true]) {
    const { graph, y } = network(), variables = new Variables(), shape = [7, 5, 3, 3];
    const weight = graph.values.find(({ name }) => name === "a")!, start = { kind: "constant", value: 0 } as const;
    const velocity = graph.state("velocity", f32(shape), start), rate = graph.constant(0.1, f32([]));
    sgdUpdate.apply(graph, [weight, velocity, graph.constant(0.5, f32(shape)), rate]);
    variables.add(graph, backend, 1);
    const program = await compile(graph, backend, { outputs: { y }, variables: variables.storages, frozen });
    const steps = [];
    for (let k = 0; k < 3; k++) steps.push(await outputOf(program, 1));
    assert(differ(steps[1], steps[0]));
    results.push(steps);
  }
  assertEquals(results[1], results[0]);
});
