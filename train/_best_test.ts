import { assertEquals } from "@std/assert";
import { BestValidation } from "./_best.ts";

/** Which epochs are kept as the best, by how many of the images each has right. */
function kept(images: number, right: readonly number[]): boolean[] {
  const best = new BestValidation(images);
  return right.map((count) => best.observe({ top1: count / images, loss: 1 }, true));
}

Deno.test("BestValidation takes the higher accuracy, and the later of those that are as good", () => {
  // One standard error is 1.9 images at 16 of 20, 1.4 at 18, none at 20; from 100 images on, two images count.
  assertEquals(kept(20, [16, 15, 14, 16, 18, 17, 16]), [true, true, false, true, true, true, false]);
  assertEquals(kept(20, [20, 19, 20]), [true, false, true]);
  assertEquals(kept(100, [80, 78, 77, 79]), [true, true, false, true]);
  assertEquals(kept(10_000, [9430, 9428, 9427]), [true, true, false]);
  // The highest counts, not the last that was kept.
  assertEquals(kept(20, [16, 15, 14, 15, 14]), [true, true, false, true, false]);
});

Deno.test("BestValidation counts the epochs since a higher accuracy, or a lower loss at the same", () => {
  const best = new BestValidation(1000);
  const stale = [[0.5, 2], [0.5, 1], [0.5, 1], [0.4, 0.1], [0.6, 3], [0.6, 3.5]].map(([top1, loss]) => {
    best.observe({ top1, loss }, true);
    return best.staleEpochs;
  });
  assertEquals(stale, [0, 0, 1, 2, 0, 1]);
  assertEquals(best.state(), { bestTop1: 0.6, bestLoss: 3, staleEpochs: 1 });
});

Deno.test("BestValidation goes on from its state, from an older one, and does not count an epoch that is not done", () => {
  const first = new BestValidation(4), states = [first.state()];
  assertEquals(JSON.parse(JSON.stringify(states[0])), { bestTop1: -1, staleEpochs: 0 });
  first.observe({ top1: 0.5, loss: 1 }, true);
  first.observe({ top1: 0.5, loss: 1 }, false);
  assertEquals(first.staleEpochs, 0);
  first.observe({ top1: 0.5, loss: 1 }, true);
  const next = new BestValidation(4, JSON.parse(JSON.stringify(first.state())));
  assertEquals([next.top1, next.staleEpochs, next.observe({ top1: 0.5, loss: 1.1 }, true)], [0.5, 1, true]);
  assertEquals(next.staleEpochs, 2);
  assertEquals(new BestValidation(4, { bestTop1: 0.5 }).observe({ top1: 0.5, loss: 9 }, true), true);
});
