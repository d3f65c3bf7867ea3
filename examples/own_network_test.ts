/** The example runs, and its network learns. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CpuBackend } from "../core/mod.ts";
import { summarizeModel } from "../models/mod.ts";
import { Trainer } from "../train/mod.ts";
import { ownNetwork } from "./own_network.ts";
import { fileURLToPath } from "node:url";

Deno.test("the network of blocks has the shapes that it says, and trains", async () => {
  const shapes = summarizeModel(ownNetwork).layers.map(({ output }) => output.join("x"));
  assertEquals(shapes, ["16x32x32", "32x16x16", "64x8x8", "64x8x8", "10"]);
  const trainer = await Trainer.create({ model: ownNetwork, backend: new CpuBackend(), batch: 4 });
  const images = Float32Array.from({ length: 4 * 3 * 32 * 32 }, (_, i) => Math.sin(i * i));
  for (let k = 0; k < 8; k++) trainer.step({ images, labels: Uint32Array.of(0, 3, 6, 9) }, 0.02);
  const results = await trainer.results();
  assert(results[7].loss < results[0].loss);
});

Deno.test("own_network.ts prints logits when it is run", async () => {
  const config = fileURLToPath(new URL("../deno.offline.json", import.meta.url));
  const main = fileURLToPath(new URL("own_network.ts", import.meta.url));
  const { code, stdout } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--config", config, main] })
    .output();
  assertEquals(code, 0);
  assertStringIncludes(new TextDecoder().decode(stdout), "Float32Array(20)");
});
