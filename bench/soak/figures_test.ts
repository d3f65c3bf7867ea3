import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { judge, type Sample, tenthsOf } from "./figures.ts";

/** A run whose epochs of 100 images take and hold what is said. */
function runOf(epochs: number, seconds: (epoch: number) => number, memory: (epoch: number) => number): Sample[] {
  let time = 7;
  return Array.from({ length: epochs }, (_, epoch) => {
    time += epoch === 0 ? 50 : seconds(epoch);
    return { seconds: time, images: 100 * (epoch + 1), memory: memory(epoch) };
  });
}

Deno.test("tenthsOf() measures each tenth, and neither the start nor peaks between collections count", () => {
  const tenths = tenthsOf(runOf(101, (epoch) => epoch <= 10 ? 2 : 4, (epoch) => epoch % 5 > 0 ? 9e9 : 1000 + epoch));
  assertEquals(tenths.map(({ rate }) => rate), [50, ...Array.from({ length: 9 }, () => 25)]);
  assertEquals(tenths.map(({ memory }) => memory).slice(0, 2), [1005, 1015]);
  assertThrows(() => tenthsOf(runOf(10, () => 1, () => 1)), RangeError, "11 epochs at least");
});

Deno.test("judge() passes a run that stays as it was, and none that slows down or grows", () => {
  const steady = judge(tenthsOf(runOf(47, () => 1, () => 500)));
  assertAlmostEquals(steady.rate, 1);
  assertEquals([steady.memory, steady.passed], [1, true]);
  assertEquals(judge(tenthsOf(runOf(101, (epoch) => 1 + epoch / 1000, () => 500))).passed, false);
  assertEquals(judge(tenthsOf(runOf(101, () => 1, (epoch) => 500 + epoch))).passed, false);
  // What the first tenth fills does not count, nor does a run that gets faster.
  assertEquals(
    judge(tenthsOf(runOf(101, (epoch) => 2 - epoch / 1000, (epoch) => epoch < 10 ? 100 : 500))).passed,
    true,
  );
});
