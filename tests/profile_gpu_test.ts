/** Dispatches on WebGPU: their times, and ops that are done together. */

import { assert, assertEquals } from "@std/assert";
import { compile, f32, Graph, Random, type Storage } from "../core/mod.ts";
import { add, relu, sgdUpdate } from "../ops/mod.ts";
import { gpuTest } from "./_gpu.ts";

gpuTest("profile() times each dispatch in its order and runs the step", async (backend) => {
  if (!backend.device.features.has("timestamp-query")) return;
  const graph = new Graph(), x = graph.input("x", f32([3, 1000]));
  const [y] = relu.apply(graph, add.apply(graph, [x, x]));
  const program = await compile(graph, backend, { outputs: { y } });
  program.write("x", new Float32Array(3000).fill(2));
  const times = await program.profile!();
  assertEquals(times.map(({ op }) => op), ["add", "relu"]);
  assertEquals(times.map(({ cost }) => cost.flops), [3000, 3000]);
  for (const { seconds } of times) assert(seconds > 0 && seconds < 10, `${seconds} s`);
  assertEquals((await program.read("y"))[2999], 4);
  program.destroy();
});

gpuTest("updates done together are those done one by one", async (backend) => {
  const shapes = Array.from({ length: 37 }, (_, k) => [k % 5 + 1, 3 * k + 1]), random = new Random(5, "together");
  const graph = new Graph(), rate = graph.input("rate", f32([]));
  const storages = new Map<string, Storage>(), expected = new Map<string, Float32Array>();
  const state = (name: string, shape: number[]) => {
    const value = graph.state(name, f32(shape), { kind: "constant", value: 0 });
    const data = Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal());
    storages.set(name, backend.allocate(value.spec));
    storages.get(name)!.write(data);
    return { value, data };
  };
  shapes.forEach((shape, k) => {
    const [p, v, g] = ["p", "v", "g"].map((name) => state(`${name}${k}`, shape));
    const weightDecay = k % 3 === 0 ? 0.25 : 0;
    sgdUpdate.apply(graph, [p.value, v.value, g.value, rate], { momentum: 0.5, weightDecay });
    expected.set(`p${k}`, p.data.map((x, i) => x - 0.5 * (0.5 * v.data[i] + g.data[i] + weightDecay * x)));
  });
  const program = await compile(graph, backend, { variables: storages });
  program.write("rate", new Float32Array([0.5]));
  program.run();
  assert(program.dispatches < shapes.length / 2, `${program.dispatches} dispatches`);
  for (const [name, data] of expected) {
    const actual = await storages.get(name)!.read();
    data.forEach((x, i) => assert(Math.abs(x - actual[i]) < 1e-5, `${name}[${i}] is ${actual[i]}, expected ${x}`));
  }
  program.destroy();
  for (const storage of storages.values()) storage.destroy();
});
