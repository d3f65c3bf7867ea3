import { assertEquals, assertMatch } from "@std/assert";
import type { EpochEvent } from "../../train/mod.ts";
import { chanceWarning, fewStepsWarning, highRateWarning, TrainWarnings } from "./train_warnings.ts";

/** An epoch with a validation of 100 images, of which 40 are of the first class. */
function epoch(trainTop1: number, top1: number, index = 0): EpochEvent {
  const confusion = [[40, 0, 0], [30, 0, 0], [30, 0, 0]];
  return {
    epoch: index,
    trainLoss: 1,
    trainTop1,
    validation: { loss: 1, top1, top5: 1, confusion },
    isBest: false,
    rate: 0.1,
    seconds: 1,
  };
}

Deno.test("fewStepsWarning() warns of fewer than 100 steps", () => {
  assertEquals(fewStepsWarning(100), undefined);
  assertMatch(fewStepsWarning(99)!, /^99 steps are few .* --epochs or --steps, or a smaller --batch$/);
  assertMatch(fewStepsWarning(1)!, /^1 step is few /);
});

Deno.test("highRateWarning() warns of a loss that rose far above ln(classes)", () => {
  const rising = [2.4, 2.6, 3, 4, 6, 8, 9, 9], warning = highRateWarning(rising, 10, 0.5)!;
  assertMatch(warning, /from 2\.40 to 9\.00 in the first epoch, and 2\.30 is .* a rate of 0\.5 .* --lr or a --warmup$/);
  assertEquals(highRateWarning(rising.toReversed(), 10, 0.5), undefined, "it falls, if from far above");
  assertEquals(highRateWarning([2.4, 2.4, 2.5, 2.5, 2.6, 2.6, 3, 3], 10, 0.5), undefined, "it is not far above");
  // 1.5·ln(100) + 0.5 is 7.41.
  assertEquals(highRateWarning([4.6, 4.6, 5, 5, 6, 6, 7.4, 7.4], 100, 0.5), undefined);
  assertMatch(highRateWarning([4.6, 4.6, 5, 5, 6, 6, 7.5, 7.5], 100, 0.5)!, /to 7\.50/);
  assertEquals(highRateWarning([2, 9, 9, 9, 9, 9, 9], 10, 0.5), undefined, "too few steps to tell");
});

Deno.test("chanceWarning() warns of validation at chance beside training that rises", () => {
  // Two standard deviations above 40 % of 100 images: 49.8 %.
  const warning = chanceWarning([epoch(0.4, 0.33), epoch(0.5, 0.49), epoch(0.6, 0.4)])!;
  assertMatch(
    warning,
    /^validation stays at chance for 3 epochs \(40\.00 %, .* 40\.00 %\) while training rose to 60\.00 %;/,
  );
  assertEquals(chanceWarning([epoch(0.4, 0.33), epoch(0.6, 0.33)]), undefined, "two epochs");
  assertEquals(chanceWarning([epoch(0.4, 0.33), epoch(0.5, 0.51), epoch(0.6, 0.4)]), undefined, "one is above chance");
  assertEquals(chanceWarning([epoch(0.6, 0.33), epoch(0.6, 0.33), epoch(0.62, 0.33)]), undefined, "training stays");
  assertEquals(chanceWarning([epoch(0.3, 0.33), epoch(0.35, 0.33), epoch(0.4, 0.33)]), undefined, "both are at chance");
  assertMatch(
    chanceWarning([epoch(0.9, 0.9), epoch(0.4, 0.33), epoch(0.5, 0.33), epoch(0.6, 0.33)])!,
    /stays at chance/,
  );
  const blind = { loss: NaN, top1: NaN, top5: NaN, confusion: [[0, 0], [0, 0]] };
  assertEquals(chanceWarning([0.4, 0.5, 0.6].map((trainTop1) => ({ trainTop1, validation: blind }))), undefined);
});

Deno.test("TrainWarnings tells each once, and of the start only where it has heard it", () => {
  const run = (firstStep: number) => {
    const told: string[] = [],
      warnings = new TrainWarnings(10, (text) => told.push(text.split(" ").slice(0, 3).join(" ")));
    warnings.onStart({ steps: firstStep - 1, totalSteps: 20 });
    for (let step = firstStep; step <= 16; step++) warnings.onStep({ step, epoch: 0, loss: step });
    for (let index = 0; index < 5; index++) warnings.onEpoch(epoch(0.4 + 0.1 * index, 0.4, index));
    return told;
  };
  assertEquals(run(1), ["20 steps are", "the loss rose", "validation stays at"]);
  assertEquals(run(9), ["validation stays at"]);
});
