import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { modelByName } from "../models/mod.ts";
import { alignHead, evaluatedTensors, type NamedTensor } from "./mod.ts";

/** A head whose row k, and whose bias k, are all k. */
function headOf(classes: number): Map<string, NamedTensor> {
  return new Map([
    ["conv1.weight", { shape: [1], data: Float32Array.of(7) }],
    ["fc.weight", { shape: [classes, 64], data: Float32Array.from({ length: classes * 64 }, (_, i) => i >> 6) }],
    ["fc.bias", { shape: [classes], data: Float32Array.from({ length: classes }, (_, k) => k) }],
  ]);
}

const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
const info = (classes: string[]) => ({ model: { name: "resnet8" }, classes, normalisation });

Deno.test("alignHead() moves a head's rows to the classes of their names", () => {
  const model = modelByName("resnet8", { classes: 3 }), tensors = headOf(3);
  const head = alignHead(model, { tensors, info: info(["ant", "b\u00e9e", "cat"]) }, ["cat", "ant", "be\u0301e"]);
  assertEquals([head.change, head.keep], ["reordered", []]);
  assertEquals(head.tensors.get("fc.bias"), { shape: [3], data: Float32Array.of(2, 0, 1) });
  const rows = head.tensors.get("fc.weight")!.data;
  assertEquals([rows[0], rows[63], rows[64], rows[128], rows[191]], [2, 2, 0, 1, 1]);
  assertEquals(head.tensors.get("conv1.weight"), tensors.get("conv1.weight"));
  assertEquals(tensors.get("fc.bias")!.data, Float32Array.of(0, 1, 2), "what was given stays");
});

Deno.test("alignHead() keeps a head of the same classes, and one of a file that names none", () => {
  const model = modelByName("resnet8", { classes: 3 }), tensors = headOf(3), names = ["a", "b", "c"];
  for (const checkpoint of [{ tensors, info: info(names) }, { tensors }]) {
    const head = alignHead(model, checkpoint, names);
    assertEquals([head.change, head.keep, head.tensors], ["kept", [], tensors]);
  }
});

Deno.test("alignHead() starts a head anew for other classes, be they as many or not", () => {
  const names = ["fc.weight", "fc.bias"], model = modelByName("resnet8", { classes: 3 });
  for (const [count, classes] of [[3, ["a", "b", "d"]], [3, ["a", "b", "b"]], [4, ["a", "b", "c"]]] as const) {
    const checkpoint = { tensors: headOf(count), info: info(["a", "b", "c", "d"].slice(0, count)) };
    const head = alignHead(model, checkpoint, classes);
    assertEquals([head.change, head.keep], ["new", names], `${count}: ${classes}`);
  }
  assertEquals(alignHead(model, { tensors: headOf(5) }, ["a", "b", "c"]).change, "new");
});

Deno.test("evaluatedTensors() takes averages and leaves the optimiser's, and names what is not finite", () => {
  const of = (...data: number[]) => ({ shape: [data.length], data: Float32Array.from(data) });
  const tensors = new Map([
    ["w", of(1, 2)],
    ["optimizer.average.w", of(3, 4)],
    ["optimizer.momentum.w", of(NaN, 0)],
    ["v", of(5)],
  ]);
  assertEquals([...evaluatedTensors(tensors, "file")], [["w", of(3, 4)], ["v", of(5)]]);
  for (const bad of [NaN, Infinity, -Infinity]) {
    tensors.set("v", of(0, bad));
    assertThrows(
      () => evaluatedTensors(tensors, "file"),
      DataError,
      `file: the tensor v holds ${bad} at element 1 of 2`,
    );
  }
});
