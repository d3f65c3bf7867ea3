/** The tuner on WebGPU: what it measures, what it keeps, and what it refuses. */

import { assert, assertEquals } from "@std/assert";
import { compile, f32, Graph, type Op, tuneVariants, type WebGpuVariant } from "../core/mod.ts";
import { linear } from "../ops/mod.ts";
import { gpuTest } from "./_gpu.ts";

function product(op: Op = linear) {
  const graph = new Graph(), x = graph.input("x", f32([33, 40])), w = graph.input("w", f32([36, 40]));
  const [y] = linear.apply(graph, [x, w]);
  if (op !== linear) graph.nodes[0] = { ...graph.nodes[0], op };
  return { graph, y };
}

gpuTest("tuneVariants() measures a shape once, and compile() takes the choice", async (backend) => {
  const { graph, y } = product(), store = new Map<string, string>(), seen: string[] = [];
  const progress = (_done: number, _total: number, what: string) => seen.push(what);
  await tuneVariants(graph, { y }, backend, { store, progress });
  await tuneVariants(graph, { y }, backend, { store, progress });
  assertEquals(seen.length, 1);
  assert(seen[0].startsWith("linear("), seen[0]);
  const [[key]] = store;
  const { name } = linear.webgpu(graph.nodes[0], backend.limits).at(-1)!;
  store.set(key, name);
  const chooseVariant = await tuneVariants(graph, { y }, backend, { store, measure: false });
  const program = await compile(graph, backend, { outputs: { y }, chooseVariant });
  assertEquals((await program.profile!())[0].variant, name);
  program.destroy();
});

gpuTest("tuneVariants() refuses a variant that computes something else, however fast", async (backend) => {
  const wrong = (right: WebGpuVariant): WebGpuVariant => ({
    name: "wrong",
    passes: [{
      wgsl: "@compute @workgroup_size(1) fn main() { y[0] = 1.0; }",
      bindings: [{ name: "y", index: right.passes[0].bindings.at(-1)!.index, write: true }],
      workgroups: [1, 1, 1],
    }],
  });
  const op: Op = {
    ...linear,
    webgpu(spec, limits) {
      const [first] = linear.webgpu(spec, limits);
      return [first, wrong(first)];
    },
    apply(graph, inputs, attributes) {
      const results = linear.apply(graph, inputs, attributes);
      graph.nodes[graph.nodes.length - 1] = { ...graph.nodes[graph.nodes.length - 1], op };
      return results;
    },
  };
  const { graph, y } = product(op), store = new Map<string, string>();
  await tuneVariants(graph, { y }, backend, { store });
  assertEquals([...store.values()], [linear.webgpu(graph.nodes[0], backend.limits)[0].name]);
});

gpuTest("tuneVariants() measures nothing if told so", async (backend) => {
  const { graph, y } = product(), store = new Map<string, string>();
  const chooseVariant = await tuneVariants(graph, { y }, backend, { store, measure: false });
  assertEquals(store.size, 0);
  const variants = linear.webgpu(graph.nodes[0], backend.limits);
  assertEquals(chooseVariant(graph.nodes[0], variants), Math.max(0, variants.findIndex(({ preferred }) => preferred)));
});
