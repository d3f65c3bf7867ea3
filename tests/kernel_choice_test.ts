/** The choice of WebGPU kernels is what was recorded; `tools/golden_kernels.ts` records it anew where it is meant to change. */

import { assertEquals } from "@std/assert";
import { explainTables } from "./_explain_tables.ts";
import { kernelChoices } from "./_kernel_choice.ts";

Deno.test("the recorded kernels run for each layer of the networks, on lavapipe, on hardware and by the default limits", async () => {
  const text = await Deno.readTextFile(new URL("golden/kernels.txt", import.meta.url));
  const recorded = text.trimEnd().split("\n"), chosen = kernelChoices();
  const wrong = chosen.map((line, index) => line === recorded[index] ? "" : `${recorded[index]}\n  is now\n${line}`)
    .filter((each) => each !== "");
  assertEquals(wrong.slice(0, 5), []);
  assertEquals(chosen.length, recorded.length);
});

Deno.test("the tables of kernels on an H100 are what tune --explain says; tools/explain_tables.ts writes them", async () => {
  const text = await Deno.readTextFile(new URL("../bench/results/kernels_nvidia_hopper.txt", import.meta.url));
  assertEquals(text === explainTables(), true);
});
