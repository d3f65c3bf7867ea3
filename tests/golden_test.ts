/** PyTorch's values on the CPU. */

import { assertAlmostEquals } from "@std/assert";
import { compile, CpuBackend, f32, Graph } from "../core/mod.ts";
import { sgdUpdate } from "../ops/mod.ts";
import { checkGolden, GOLDEN, goldenName } from "./_golden.ts";
import sgd from "./golden/sgd.json" with { type: "json" };

for (const golden of GOLDEN) {
  Deno.test(`${goldenName(golden)} agrees with PyTorch on the CPU`, () => checkGolden(new CpuBackend(), golden));
}

Deno.test("sgdUpdate follows torch.optim.SGD for three steps", async () => {
  const backend = new CpuBackend(), graph = new Graph(), zero = { kind: "constant", value: 0 } as const;
  const inputs = [
    graph.parameter("p", f32([5]), zero),
    graph.state("v", f32([5]), zero),
    graph.input("g", f32([5])),
    graph.input("rate", f32([])),
  ];
  sgdUpdate.apply(graph, inputs, { momentum: 0.9, weightDecay: 0.01 });
  const variables = new Map([["p", backend.allocate(f32([5]))], ["v", backend.allocate(f32([5]))]]);
  const program = await compile(graph, backend, { variables });
  variables.get("p")!.write(Float32Array.from(sgd.start));
  program.write("rate", Float32Array.of(0.1));
  for (const [step, gradient] of sgd.gradients.entries()) {
    program.write("g", Float32Array.from(gradient));
    program.run();
    (await variables.get("p")!.read()).forEach((value, i) => assertAlmostEquals(value, sgd.after[step][i], 1e-6));
  }
});
