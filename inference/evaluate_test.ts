import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { type Collective, CpuBackend, UsageError } from "../core/mod.ts";
import { allocateImages, type BatchFiller, type Dataset } from "../data/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { randomSet } from "../tests/_runs.ts";
import { compileInference, evaluateSplit, SplitEvaluator } from "./mod.ts";
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

Deno.test("SplitEvaluator goes by the weights of each time, also after an evaluation that was stopped", async () => {
  const { validation: split, shape } = randomSet(1), images = { split, shape, normalisation: NORMALISATION };
  const model = cifarResNet({ depth: 8, classes: 3, inputShape: shape }), variables = new Variables();
  const program = await compileInference(model, new CpuBackend(), 4, variables);
  await using evaluator = new SplitEvaluator({ program, batch: 4, classes: 3 }, images);
  const once = () => evaluateSplit(program, images, 4, 3), first = await evaluator.evaluate();
  assertEquals(first, await once());
  const tensors = await variables.read(false);
  (tensors.get("fc.bias")!.data as Float32Array).set([0.5, -1, 2]);
  variables.write(tensors, "other weights");
  await assertRejects(() => evaluator.evaluate(AbortSignal.abort(new Error("enough"))), Error, "enough");
  const second = await evaluator.evaluate();
  assertEquals(second, await once());
  assertNotEquals(second.logits, first.logits);
});

Deno.test("SplitEvaluator keeps its batches from one evaluation to the next, and what fills them until it is closed", async () => {
  const { validation: images, shape } = randomSet(1);
  let opened = 0, allocated = 0, closed = 0;
  const createFiller = (): BatchFiller => {
    opened++;
    return {
      ahead: 2,
      allocate: (count) => (allocated++, allocateImages(count, shape)),
      fill: (indices, _, batch) =>
        Promise.resolve(indices.forEach((index, k) => batch.labels[k] = images.labels[index])),
      close: () => void closed++,
    };
  };
  const split: Dataset = { count: 10, labels: images.labels, read: (index) => images.read(index), createFiller };
  const model = cifarResNet({ depth: 8, classes: 3, inputShape: shape });
  const program = await compileInference(model, new CpuBackend(), 4, new Variables());
  const options = { split, shape, normalisation: NORMALISATION };
  const evaluator = new SplitEvaluator({ program, batch: 4, classes: 3 }, options);
  for (let k = 0; k < 3; k++) {
    assertEquals([...(await evaluator.evaluate()).labels], [...images.labels]);
    assertEquals({ opened, allocated, closed }, { opened: 1, allocated: 3, closed: 0 });
  }
  await evaluator.close();
  assertEquals(closed, 1);
});

Deno.test("SplitEvaluator has a rank read none but its own images", async () => {
  const { train: images, shape } = randomSet(23), read: number[] = [], batch = 2;
  const split: Dataset = {
    count: 23,
    labels: images.labels,
    read: (index) => {
      read.push(index);
      return Promise.resolve(images.read(index));
    },
  };
  const model = cifarResNet({ depth: 8, classes: 3, inputShape: shape });
  const program = await compileInference(model, new CpuBackend(), batch, new Variables());
  const collective: Collective = { rank: 1, size: 3, sum: () => Promise.resolve() };
  const options = { split, shape, normalisation: NORMALISATION, collective };
  await evaluateSplit(program, options, batch, 3);
  assertEquals(read.sort((a, b) => a - b), [2, 3, 8, 9, 14, 15, 20, 21]);
});

const NORMALISATION = { mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] };
