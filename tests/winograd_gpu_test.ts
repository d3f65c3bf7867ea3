/** Winograd's convolutions on WebGPU where the images do not all fit into the workspace at once. */

import { assert } from "@std/assert";
import { compile, CpuBackend, f32, Graph, type Op, Random } from "../core/mod.ts";
import { compareArrays } from "../core/compare_arrays.ts";
import { conv2d, conv2dInputGradient } from "../ops/mod.ts";
import { gpuTest } from "./_gpu.ts";

const SHAPE = [7, 8, 190, 190];

for (const op of [conv2d, conv2dInputGradient] as Op[]) {
  gpuTest(`winograd's ${op.name} takes images in chunks, the last one not full, step after step`, async (backend) => {
    const attributes = { padding: [1, 1], ...(op === conv2dInputGradient as Op ? { inputSize: SHAPE.slice(2) } : {}) };
    const graph = new Graph(), random = new Random(0, "winograd");
    const specs = { x: f32(SHAPE), w: f32([8, 8, 3, 3]) };
    const [y] = op.apply(graph, Object.entries(specs).map(([name, spec]) => graph.input(name, spec)), attributes);
    const data = Object.entries(specs).map(([name, { shape }]) => ({
      name,
      values: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.uniform(-1, 1)),
    }));
    const cpu = await CpuBackend.create();
    const expected = await (async () => {
      const program = await compile(graph, cpu, { outputs: { y } });
      for (const { name, values } of data) program.write(name, values);
      program.run();
      return await program.read("y");
    })();
    const names = backend.policy.variants(graph.nodes[0]).map(({ name }) => name);
    for (const name of names.filter((each) => each.startsWith("winograd"))) {
      const program = await compile(graph, backend, {
        outputs: { y },
        poison: true,
        chooseVariant: (_node, variants) => variants.findIndex((variant) => variant.name === name),
      });
      assert(program.dispatches > 4, `${name} takes all images at once`);
      for (const { name, values } of data) program.write(name, values);
      for (let step = 0; step < 2; step++) {
        program.run();
        compareArrays(`${op.name} (${name}), step ${step}`, y.spec, await program.read("y"), expected);
      }
      program.destroy();
    }
    cpu.destroy();
  });
}
