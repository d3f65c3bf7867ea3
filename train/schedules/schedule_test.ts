import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../core/mod.ts";
import golden from "../../tests/golden/training.json" with { type: "json" };
import { createSchedule, linearWarmUp, plateauSchedule, type ScheduleOptions, SCHEDULES, warmUpUntil } from "../mod.ts";

function rates(options: Partial<ScheduleOptions>, count: number): number[] {
  const schedule = createSchedule({ schedule: "constant", rate: 0.1, epochs: 5, stepsPerEpoch: 4, ...options });
  return Array.from({ length: count }, (_, step) => schedule.rate(step));
}

function assertRates(actual: readonly number[], expected: readonly number[]): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((rate, step) => assertAlmostEquals(rate, expected[step], 1e-12, `step ${step}`));
}

Deno.test("createSchedule() gives PyTorch's rates at every step", () => {
  const { step, cosine, exponential, onecycle, warmup } = golden.schedules;
  assertRates(rates({ schedule: "step", milestones: [7, 12] }, 20), step);
  assertRates(rates({ schedule: "cosine", minimum: 0.004 }, 20), cosine);
  assertRates(rates({ schedule: "exponential", factor: 0.98 }, 20), exponential);
  assertRates(rates({ schedule: "onecycle" }, 19), onecycle);
  assertRates(rates({ warmupSteps: 6 }, 10), warmup);
});

Deno.test("plateauSchedule() follows ReduceLROnPlateau through factor, patience, threshold, cool-down and minimum", () => {
  for (const { rates, min_lr: minimum, ...options } of golden.schedules.plateau) {
    for (const monitor of ["loss", "error"] as const) {
      const schedule = plateauSchedule({ rate: 0.1, minimum, monitor, ...options });
      const seen = golden.losses.map((value) => {
        const rate = schedule.rate(0);
        schedule.observe!(monitor === "loss" ? { loss: value, error: 1 } : { loss: 1, error: value });
        return rate;
      });
      assertRates(seen, rates);
    }
  }
});

Deno.test("createSchedule() takes milestones as fractions of whole epochs, and as steps", () => {
  const epochs = rates({ schedule: "step", epochs: 6 }, 24).map((rate) => Math.round(Math.log10(rate)));
  assertEquals(epochs.findIndex((power) => power === -2), 12);
  assertEquals(epochs.findIndex((power) => power === -3), 16);
  // Never before the second epoch.
  assertEquals(rates({ schedule: "step", epochs: 1 }, 4), [0.1, 0.1, 0.1, 0.1]);
  assertThrows(() => rates({ schedule: "step", milestones: [1.5] }, 1), UsageError, "whole number of steps");
});

Deno.test("warmUpUntil() goes over to its schedule when the error over fifty steps is below the limit, and never back", () => {
  const schedule = warmUpUntil(
    createSchedule({ schedule: "step", rate: 0.1, epochs: 1, milestones: [170] }),
    0.8,
    0.01,
  );
  const seen: number[] = [];
  for (let step = 0; step < 180; step++) {
    seen.push(schedule.rate(step));
    if (seen.at(-1) === 0.01 && step < 150) assert(schedule.listens);
    // Two windows above the limit, one of them by single steps below it, then one below, then above again.
    schedule.hear!({ error: step < 50 ? 0.9 : step < 100 ? (step % 2 === 0 ? 0.95 : 0.7) : step < 150 ? 0.79 : 0.99 });
  }
  assertEquals(seen.indexOf(0.1), 150);
  assertEquals(new Set(seen.slice(0, 150)), new Set([0.01]));
  assert(seen.slice(150, 170).every((rate) => rate === 0.1));
  assertAlmostEquals(seen[170], 0.01);
  assert(!schedule.listens);
});

Deno.test("a schedule that takes up another's state goes on as it would have", () => {
  for (const name of SCHEDULES) {
    const make = () =>
      createSchedule({
        schedule: name,
        rate: 0.1,
        epochs: 60,
        stepsPerEpoch: 4,
        patience: 1,
        cooldown: 1,
        warmupSteps: 30,
        warmupError: 0.8,
      });
    const whole = make();
    let other = make();
    for (let step = 0; step < 240; step++) {
      assertEquals(other.rate(step), whole.rate(step), `${name}, step ${step}`);
      for (const schedule of [whole, other]) {
        schedule.hear?.({ error: 1 - step / 240 });
        if (step % 4 === 3) schedule.observe?.({ loss: Math.abs(120 - step) + 1, error: 0.5 });
      }
      if (step % 7 !== 0) continue;
      const state = JSON.parse(JSON.stringify(other.state()));
      other = make();
      other.restore(state);
    }
  }
});

Deno.test("schedules refuse what they cannot do", () => {
  assertThrows(() => plateauSchedule({ rate: 0.1, factor: 1 }), UsageError, "factor to be between 0 and 1");
  assertThrows(() => warmUpUntil(createSchedule({ schedule: "constant", rate: 1, epochs: 1 }), 1, 0.1), UsageError);
  assertThrows(() => linearWarmUp(createSchedule({ schedule: "constant", rate: 1, epochs: 1 }), 0.5), UsageError);
  assertThrows(
    () => createSchedule({ schedule: "stairs" as "step", rate: 1, epochs: 1 }),
    UsageError,
    "step, plateau, cosine",
  );
});
