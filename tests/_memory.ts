/** What both backends must say of memory before they take it. */

import { assert, assertEquals } from "@std/assert";
import { type Backend, compile, f32, Graph, plan } from "../core/mod.ts";
import { cifarResNet, mobileNetV2 } from "../models/mod.ts";
import { Trainer, trainingNeed } from "../train/mod.ts";

/** Holds what is planned against what is allocated. */
export async function checkMemoryNeed(backend: Backend): Promise<void> {
  const small = cifarResNet({ depth: 8, inputShape: [3, 9, 9] });
  const mobile = mobileNetV2({ stem: "cifar", width: 0.25, inputShape: [3, 8, 8] });
  const cases = [
    { model: small, batch: 5 },
    { model: small, batch: 6, accumulate: 3, clipNorm: 1, ema: 0.9 },
    { model: small, batch: 7, recompute: true },
    { model: mobile, batch: 3 },
  ];
  for (const options of cases) {
    const need = trainingNeed({ ...options, backend }, Trainer.trace), before = backend.liveBytes;
    const trainer = await Trainer.create({ ...options, backend });
    assertEquals(backend.liveBytes - before, need.total);
    trainer.destroy();
    assertEquals(backend.liveBytes, before);
  }
  const graph = new Graph();
  const logits = small.forward(graph, graph.input("image", f32([3, ...small.inputShape])));
  const variables = new Map(
    graph.parameters.concat(graph.values.filter(({ kind }) => kind === "state"))
      .map(({ name, spec }) => [name, backend.allocate(spec)]),
  );
  const before = backend.liveBytes;
  const program = await compile(graph, backend, { outputs: { logits }, variables });
  const need = backend.memoryNeed(plan(graph, new Map([["logits", logits]])), { scalars: [] });
  assertEquals(backend.liveBytes - before, need.total);
  assert(need.tensor > 0 && need.tensor < need.total);
  program.destroy();
  for (const storage of variables.values()) storage.destroy();
}
