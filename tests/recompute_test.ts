/** Recomputation on the CPU: the same bits in less memory. */

import { assert, assertEquals } from "@std/assert";
import { compile, CpuBackend, differentiate, f32, Graph, plan, u32, type Value } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import {
  add,
  averageUpdate,
  batchNormInference,
  conv2d,
  globalAveragePool,
  relu,
  softmaxCrossEntropy,
} from "../ops/mod.ts";
import { sgd } from "../train/mod.ts";
import { Variables } from "../weights/mod.ts";
import { checkRecomputed, RECOMPUTED } from "./_recompute.ts";
import { assertSame } from "./_same.ts";

for (const [name, model, op] of RECOMPUTED) {
  Deno.test(`recompute changes no bit of ${name} on the CPU`, async () => {
    const backend = await CpuBackend.create({ threads: 2 });
    await checkRecomputed(backend, model, op);
    backend.destroy();
  });
}

Deno.test("recompute() leaves what it must: outputs, changed variables, graphs without gradients, the last segment", () => {
  const model = cifarResNet({ depth: 20, inputShape: [3, 8, 8] }), graph = new Graph({ training: true });
  const image = graph.input("image", f32([2, 3, 8, 8])), logits = model.forward(graph, image);
  const forward = new Map([["logits", logits]]);
  assertEquals(plan(graph, forward, { recompute: true }).nodes, plan(graph, forward).nodes);
  const [loss] = softmaxCrossEntropy.apply(graph, [logits, graph.input("label", u32([2]))]);
  sgd(graph, loss);
  const names = (outputs: readonly Value[]) => {
    const { nodes } = plan(graph, new Map(outputs.map((value) => [`${value.id}`, value])), { recompute: true });
    return nodes.map(({ op }) => op.name);
  };
  const kept = plan(graph, new Map([["loss", loss]])).nodes.map(({ op }) => op.name), again = names([loss]);
  const count = (list: readonly string[], name: string) => list.filter((each) => each === name).length;
  // Each batch norm steps its statistics once; some are computed again, the last ones are not.
  for (const name of ["batchNormRelu", "batchNormAddRelu", "sgdUpdate", "linear"]) {
    assertEquals(count(again, name), count(kept, name));
  }
  const convolutions = count(again, "conv2d") - count(kept, "conv2d");
  assert(convolutions > 5 && convolutions < count(kept, "conv2d"), `${convolutions} convolutions are repeated`);
  // What must be there after the step is not computed twice.
  const all = graph.nodes.filter(({ op }) => op.name === "conv2d").map(({ results }) => results[0]);
  assertEquals(count(names([loss, ...all]), "conv2d"), count(kept, "conv2d"));
});

Deno.test("recompute() does not read a variable again that has changed since", async () => {
  const backend = new CpuBackend(), results: unknown[] = [];
  for (const recompute of [false, true]) {
    const graph = new Graph({ training: true });
    const weight = graph.parameter("weight", f32([4, 4, 3, 3]), { kind: "heNormal", fan: "in" });
    let value = graph.input("image", f32([2, 4, 6, 6]));
    for (let layer = 0; layer < 6; layer++) {
      const [kernel] = add.apply(graph, [weight, weight]);
      [value] = relu.apply(graph, [conv2d.apply(graph, [value, kernel], { padding: [1, 1] })[0]]);
      const [normed] = batchNormInference.apply(graph, [value, ...channelVariables(graph, layer)]);
      [value] = relu.apply(graph, [normed]);
      const mean = graph.state(`${layer}.mean`, f32([4]), { kind: "constant", value: 0.1 });
      averageUpdate.apply(graph, [mean, graph.constant(1, f32([4])), graph.constant(0.5, f32([]))]);
    }
    const [pooled] = globalAveragePool.apply(graph, [value]);
    const [loss] = softmaxCrossEntropy.apply(graph, [pooled, graph.input("label", u32([2]))]);
    const [gradient] = differentiate(graph, loss, [weight]);
    const variables = new Variables();
    variables.add(graph, backend, 0);
    const program = await compile(graph, backend, {
      outputs: { loss, gradient: gradient! },
      variables: variables.storages,
      recompute,
    });
    program.write("image", Float32Array.from({ length: 288 }, (_, i) => Math.sin(i)));
    program.write("label", Uint32Array.of(1, 2));
    program.run();
    results.push([await program.read("loss"), await program.read("gradient")]);
    const norms = program.plan.nodes.filter(({ op }) => op.name.startsWith("batchNormInference"));
    const forward = norms.filter(({ op }) => !op.name.includes("Gradient"));
    assertEquals(forward.length, 6);
    if (recompute) assert(program.plan.nodes.filter(({ op }) => op.name.startsWith("conv2dFused")).length > 6);
  }
  assertSame(results[1], results[0]);
});

/** The variables of a batch norm with running statistics. */
function channelVariables(graph: Graph, layer: number): Value[] {
  const one = { kind: "constant", value: 1 } as const, spec = f32([4]);
  return [
    graph.parameter(`${layer}.weight`, spec, one),
    graph.parameter(`${layer}.bias`, spec, { kind: "constant", value: 0.2 }),
    graph.state(`${layer}.mean`, spec, { kind: "constant", value: 0.1 }),
    graph.state(`${layer}.variance`, spec, one),
  ];
}
