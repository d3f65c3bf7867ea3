import { assert, assertEquals } from "@std/assert";
import { suggestNetwork, suggestTraining } from "./suggest.ts";

Deno.test("suggestTraining() gives every set steps in an epoch, enough epochs, and a rate that suits the batch", () => {
  let last = suggestTraining(1);
  for (let count = 1; count < 300_000; count = Math.ceil(count * 1.07)) {
    const suggested = suggestTraining(count), { batch, epochs, rate, warmUp } = suggested;
    assert(batch >= 1 && batch <= Math.min(count, 128) && Number.isInteger(batch), `a batch of ${batch} of ${count}`);
    assert(count < 4 || Math.floor(count / batch) >= 4, `${count} images make ${count / batch} steps an epoch`);
    assert(epochs >= 24 && epochs <= 120 && Number.isInteger(epochs), `${epochs} epochs of ${count}`);
    assert(rate > 0 && rate <= 0.1 && warmUp > 0 && warmUp < epochs / 10);
    assert(batch >= last.batch && epochs <= last.epochs && rate >= last.rate);
    last = suggested;
  }
  assertEquals(last, { batch: 128, epochs: 24, rate: 0.1, warmUp: 1.2 });
});

Deno.test("suggestTraining() follows the batch and the epochs that are decided", () => {
  assertEquals(suggestTraining(160, { batch: 64 }), { batch: 64, epochs: 88, rate: 0.1, warmUp: 4.4 });
  assertEquals(suggestTraining(160, { epochs: 20 }), { batch: 16, epochs: 20, rate: 0.05, warmUp: 1 });
});

Deno.test("suggestNetwork() sees icons as they are, photos small, and many photos larger with a larger network", () => {
  assertEquals(suggestNetwork(500, 28), { model: "resnet20", size: 32 });
  const photos = { model: "resnet20", size: 64, randAugment: { operations: 2, magnitude: 4 } };
  assertEquals(suggestNetwork(500, 33), photos);
  assertEquals(suggestNetwork(19_999, Infinity), photos);
  assertEquals(suggestNetwork(20_000, 480), { model: "resnet18", size: 128 });
  assertEquals(suggestNetwork(500, 480, 224), { model: "resnet18", size: 224 });
});
