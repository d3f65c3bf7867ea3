import { assertEquals, assertRejects } from "@std/assert";
import { CpuBackend, UsageError } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { randomSet } from "../tests/_runs.ts";
import { compileInference, evaluateSplit } from "./mod.ts";
import { Variables } from "../weights/mod.ts";

Deno.test("evaluateSplit() counts every image once, and ends at an aborted signal", async () => {
  const { validation: split, shape } = randomSet(1, 8), images = { split, shape, normalisation: NORMALISATION };
  const model = cifarResNet({ depth: 8, classes: 3, inputShape: shape });
  const program = await compileInference(model, new CpuBackend(), 4, new Variables());
  const { confusion, logits } = await evaluateSplit(program, images, 4, 3);
  assertEquals(confusion.flat().reduce((a, b) => a + b), split.count);
  assertEquals(logits.length, 3 * split.count);
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => evaluateSplit(program, images, 4, 3, undefined, signal), Error, "enough");
  // Counts of pairs alone would take 3.7 GiB, which have room; with the logits of so many images they have none.
  const many = { ...images, split: Object.create(split, { count: { value: 30_000 } }) };
  const refused = () => evaluateSplit(program, many, 4, 22_340);
  await assertRejects(refused, UsageError, "The results of 30000 images in 22340 classes take 6.2 GiB");
});

const NORMALISATION = { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] };
