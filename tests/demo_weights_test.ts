/** The example page finds out of which network weights are that a user brings. */

import { assertEquals, assertThrows } from "@std/assert";
import { namedWeights } from "../examples/browser/worker/weights.ts";
import { elementCount, f32, Graph } from "../core/mod.ts";
import { modelByName } from "../models/mod.ts";
import { encodeCheckpoint, encodeSafetensors, type NamedTensor, variableSpecs } from "../weights/mod.ts";

/** The tensors of a network: their names and shapes are what counts. */
function tensorsOf(name: string, classes: number): Map<string, NamedTensor> {
  const graph = new Graph(), model = modelByName(name, { classes });
  model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
  return new Map(
    [...variableSpecs(graph)].map((
      [name, { shape }],
    ) => [name, { shape, data: new Float32Array(elementCount(shape)) }]),
  );
}

Deno.test("namedWeights() knows networks by the names of their tensors, and their classes", () => {
  for (const [name, size] of [["resnet20", 32], ["plain32", 32], ["resnet18", 224], ["mobilenet_v2", 224]] as const) {
    const { model, info } = namedWeights(encodeSafetensors(tensorsOf(name, 7)), "w.safetensors");
    assertEquals(model, { name, classes: 7, inputShape: [3, size, size] });
    assertEquals(info?.classes[6], "class 6");
  }
});

Deno.test("namedWeights() takes what a file says of itself, else what the user says", () => {
  const tensors = tensorsOf("resnet20", 2), inputShape = [3, 48, 48] as const;
  const model = { name: "resnet20", classes: 2, inputShape };
  const normalisation = { mean: [0.1, 0.2, 0.3], std: [1, 1, 1] };
  const found = namedWeights(encodeCheckpoint(tensors, { model, classes: ["a", "b"], normalisation }), "w.safetensors");
  assertEquals([found.model, found.info?.normalisation], [model, normalisation]);
  const strange = encodeSafetensors(new Map([...tensors, ["more.bias", { shape: [1], data: new Float32Array(1) }]]));
  assertThrows(
    () => namedWeights(strange, "w.safetensors"),
    Error,
    "w.safetensors: no network here has tensors of these names; choose the network in the settings",
  );
  assertEquals(namedWeights(strange, "w.safetensors", "resnet20").model.classes, 2);
});
