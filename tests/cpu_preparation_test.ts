/** Weights that the CPU backend brings into another form once follow every change of the variables. */

import { assertEquals, assertNotEquals } from "@std/assert";
import { CpuBackend, type Program } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { compileInference } from "../inference/mod.ts";
import { Trainer } from "../train/mod.ts";
import { smallBatch } from "./_training.ts";

Deno.test("an inference follows the weights that a trainer or a write changes, as one that is compiled anew", async () => {
  const backend = await CpuBackend.create({ threads: 2 });
  const model = cifarResNet({ depth: 8, inputShape: [3, 10, 10], classes: 5 });
  const { images, labels } = smallBatch(model, 3);
  const trainer = await Trainer.create({ model, backend, batch: 3 });
  const logitsOf = async (program: Program) => {
    program.write("image", images);
    program.run();
    return await program.read("logits");
  };
  const fresh = async () => {
    const program = await compileInference(model, backend, 3, trainer.variables);
    const logits = await logitsOf(program);
    program.destroy();
    return logits;
  };
  try {
    const inference = await compileInference(model, backend, 3, trainer.variables);
    const first = await logitsOf(inference);
    assertEquals(await logitsOf(inference), first);
    trainer.step({ images, labels }, 0.1);
    const second = await logitsOf(inference);
    assertNotEquals(second, first);
    assertEquals(second, await fresh());
    for (const name of ["conv1.weight", "layer2.0.downsample.0.weight"]) {
      const storage = trainer.variables.storages.get(name)!;
      storage.write((await storage.read() as Float32Array).map((value) => -value));
      const written = await logitsOf(inference);
      assertNotEquals(written, second);
      assertEquals(written, await fresh());
    }
  } finally {
    backend.destroy();
  }
});
