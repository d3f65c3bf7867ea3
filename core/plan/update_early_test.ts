import { assertEquals } from "@std/assert";
import { f32, Graph } from "../mod.ts";
import { averageUpdate, relu, sgdUpdate } from "../../ops/mod.ts";
import { updateEarly } from "./update_early.ts";

Deno.test("updateEarly() moves updates up to where what they read is there, and keeps the order of reads and writes", () => {
  const graph = new Graph({ training: true }),
    share = graph.input("share", f32([])),
    rate = graph.input("rate", f32([]));
  const variable = (name: string) => graph.state(name, f32([2]), { kind: "constant", value: 0 });
  const weight = variable("weight"), velocity = variable("velocity"), mean = variable("mean"), ema = variable("ema");
  const [first] = relu.apply(graph, [graph.input("image", f32([2]))]);
  const [second] = relu.apply(graph, [weight]);
  relu.apply(graph, [second]);
  averageUpdate.apply(graph, [mean, first, share]);
  sgdUpdate.apply(graph, [weight, velocity, first, rate]);
  averageUpdate.apply(graph, [ema, weight, share]);
  const order = updateEarly(graph.nodes).map((node) => graph.nodes.indexOf(node));
  // The mean follows its gradient; the weight changes only after it was read, and its average only after it has changed.
  assertEquals(order, [0, 3, 1, 4, 5, 2]);
});
