import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { CpuBackend, NumericError, UsageError } from "../core/mod.ts";
import golden from "../tests/golden/rate.json" with { type: "json" };
import { cifarResNet } from "../models/mod.ts";
import { colourSet } from "../tests/_runs.ts";
import { findRate, type FindRateOptions, judgeRates } from "./mod.ts";

Deno.test("judgeRates() smooths losses and finds where they fall most steeply and are least, as numpy does", () => {
  const { points, suggested, least } = judgeRates(golden.rates.map((rate, k) => ({ rate, loss: golden.losses[k] })));
  points.forEach(({ smoothed }, k) => assertAlmostEquals(smoothed, golden.smoothed[k], 1e-12));
  assertEquals([suggested, least], [golden.suggested, golden.least]);
});

Deno.test("judgeRates() suggests nothing of losses that never fall, and of none", () => {
  const rising = judgeRates(Array.from({ length: 20 }, (_, k) => ({ rate: 10 ** (k / 5), loss: k })));
  assertEquals(rising.suggested, undefined);
  assertEquals(judgeRates([]), { points: [], suggested: undefined, least: undefined });
});

function options(backend: CpuBackend): FindRateOptions {
  const set = colourSet(40, 5);
  return { model: cifarResNet({ depth: 8, classes: 3, inputShape: set.shape }), backend, set, batch: 8 };
}

Deno.test("findRate() trains at rates that grow from the first to the last, and ends where the loss has grown", async () => {
  using backend = new CpuBackend();
  const base = options(backend), steps: number[] = [];
  const even = await findRate({
    ...base,
    from: 1e-4,
    to: 0.1,
    steps: 13,
    callbacks: [{ onStep: ({ rate }) => void steps.push(rate) }],
  });
  assertEquals(even.points.length, 13);
  assertEquals(even.points.map(({ rate }) => rate), steps);
  steps.forEach((rate, k) => assertAlmostEquals(Math.log10(rate), -4 + 3 * k / 12, 1e-6));
  // Colours are learned within a few steps, and no rate of 1e6 leaves anything of it.
  const far = await findRate({ ...base, from: 1e-4, to: 1e6, steps: 120 });
  assert(far.points.length < 120, `${far.points.length} steps`);
  assert(far.suggested! > 1e-4 && far.suggested! < far.least! && far.least! < 100, `${far.suggested} ${far.least}`);
  assert(far.points.every(({ loss }) => Number.isFinite(loss)));
});

Deno.test("findRate() refuses rates and steps that make no sense, and says where not even the first steps are finite", async () => {
  using backend = new CpuBackend();
  const base = options(backend);
  for (
    const wrong of [{ from: 0 }, { from: 1, to: 1 }, { to: Infinity }, { from: NaN }, { steps: 9 }, { steps: 20.5 }]
  ) {
    await assertRejects(() => findRate({ ...base, ...wrong }), UsageError, "Expected");
  }
  await assertRejects(
    () => findRate({ ...base, from: 1e30, to: 1e35, steps: 12 }),
    NumericError,
    "give a lower `from`",
  );
});
