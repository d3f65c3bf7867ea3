/** The user's op passes the conformance checks, and a model with it inside learns. */

import { assert } from "@std/assert";
import { checkOp, CpuBackend } from "../../core/mod.ts";
import { classifierHead, f32, fit, type Model, shapesSet } from "../../mod.ts";
import { conv2d } from "../../ops/mod.ts";
import { normalize } from "../../blocks/mod.ts";
import { swish, swishGradient } from "./swish.ts";

Deno.test("swish and its gradient conform", async () => {
  assert((await checkOp(swish)).derivatives > 0);
  assert((await checkOp(swishGradient)).comparisons > 0);
});

Deno.test("swish trains inside a model", async () => {
  const head = classifierHead("fc", 10);
  const model: Model = {
    name: "swish",
    classes: 10,
    inputShape: [3, 32, 32],
    forward(graph, image) {
      const weight = graph.parameter("conv.weight", f32([16, 3, 7, 7]), { kind: "heNormal", fan: "in" });
      const [features] = conv2d.apply(graph, [image, weight], { stride: [4, 4], padding: [3, 3] });
      return head.forward(graph, swish.apply(graph, [normalize(graph, "bn", features)])[0]);
    },
  };
  const losses: number[] = [];
  const set = shapesSet({ trainCount: 64, validationCount: 20 });
  await fit({
    model,
    backend: new CpuBackend(),
    set,
    epochs: 60,
    schedule: "constant",
    batch: 32,
    onEpoch: ({ trainLoss }) => losses.push(trainLoss),
  });
  assert(losses[59] < 0.6 * losses[0], `the loss went from ${losses[0]} to ${losses[59]}`);
});
