import { assertEquals } from "@std/assert";
import { BestValidation } from "./_best.ts";

Deno.test("BestValidation takes the higher accuracy, and of equal ones the lower loss", () => {
  const best = new BestValidation();
  const seen = [[0.5, 2], [0.5, 1], [0.5, 1], [0.4, 0.1], [0.6, 3], [0.6, 3.5]].map(([top1, loss]) =>
    best.observe({ top1, loss }, true)
  );
  assertEquals(seen, [true, true, false, false, true, false]);
  assertEquals(best.state(), { bestTop1: 0.6, bestLoss: 3, staleEpochs: 1 });
});

Deno.test("BestValidation goes on from its state, from an older one, and does not count an epoch that is not done", () => {
  const first = new BestValidation(), states = [first.state()];
  assertEquals(JSON.parse(JSON.stringify(states[0])), { bestTop1: -1, staleEpochs: 0 });
  first.observe({ top1: 0.5, loss: 1 }, true);
  first.observe({ top1: 0.5, loss: 1 }, false);
  assertEquals(first.staleEpochs, 0);
  first.observe({ top1: 0.5, loss: 1 }, true);
  const next = new BestValidation(JSON.parse(JSON.stringify(first.state())));
  assertEquals([next.top1, next.staleEpochs, next.observe({ top1: 0.5, loss: 1.1 }, true)], [0.5, 1, false]);
  assertEquals(new BestValidation({ bestTop1: 0.5 }).observe({ top1: 0.5, loss: 9 }, true), true);
});
