import { assertEquals } from "@std/assert";
import { compile, CpuBackend, f32, Graph, u32 } from "../core/mod.ts";
import { topKCorrect } from "./top_k_correct.ts";

async function count(logits: number[][], labels: number[], k: number): Promise<number> {
  const graph = new Graph();
  const x = graph.input("x", f32([logits.length, logits[0].length])), y = graph.input("y", u32([labels.length]));
  const [correct] = topKCorrect.apply(graph, [x, y], { k });
  const program = await compile(graph, new CpuBackend(), { outputs: { correct }, poison: true });
  program.write("x", Float32Array.from(logits.flat()));
  program.write("y", Uint32Array.from(labels));
  program.run();
  return (await program.read("correct"))[0];
}

Deno.test("topKCorrect() counts rows whose label is among the k largest logits", async () => {
  const logits = [[3, 2, 1], [3, 2, 1], [3, 2, 1]];
  assertEquals(await count(logits, [0, 1, 2], 1), 1);
  assertEquals(await count(logits, [0, 1, 2], 2), 2);
  assertEquals(await count(logits, [0, 1, 2], 3), 3);
});

Deno.test("topKCorrect() puts the lower class first among equal logits, as argmax does", async () => {
  assertEquals(await count([[1, 1, 1], [1, 1, 1], [0, 1, 1]], [0, 1, 1], 1), 2);
  assertEquals(await count([[1, 1, 1]], [1], 2), 1);
});

Deno.test("topKCorrect() never counts a label whose logit is NaN", async () => {
  assertEquals(await count([[NaN, 2, 3], [NaN, NaN, NaN]], [0, 1], 3), 0);
});

Deno.test("topKCorrect() never counts a label that is no class", async () => {
  assertEquals(await count([[1, 2], [3, 4]], [2, 4294967295], 2), 0);
});
