import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { MOST_BUCKETS, StepSeries } from "./step_series.ts";

function steps(count: number) {
  const random = new Random(5, "steps");
  return Array.from({ length: count }, (_, k) => ({
    step: k + 1,
    loss: 2 + random.uniform(),
    lr: k % 7 === 6 ? null : 0.1 / (k + 1),
    imagesPerSecond: k % 5 === 4 ? null : 100 * random.uniform(),
  }));
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

Deno.test("StepSeries gives few steps as they are, and means of as many neighbours as it takes of many", () => {
  for (const count of [0, 1, 777, MOST_BUCKETS, MOST_BUCKETS + 1, 5003]) {
    const series = new StepSeries(), all = steps(count);
    for (const step of all) series.add(step);
    const { width, from, ...columns } = series.columns();
    assertEquals([width, from], [count <= MOST_BUCKETS ? 1 : count < 5000 ? 2 : 8, 0]);
    const buckets = Array.from({ length: Math.ceil(count / width) }, (_, k) => all.slice(k * width, (k + 1) * width));
    assertEquals(columns.step, buckets.map((bucket) => bucket.at(-1)!.step));
    buckets.forEach((bucket, k) => {
      assertAlmostEquals(columns.loss[k]!, mean(bucket.map(({ loss }) => loss)), 1e-5);
      const speeds = bucket.flatMap(({ imagesPerSecond: speed }) => speed === null ? [] : [speed]);
      if (speeds.length === 0) assertEquals(columns.imagesPerSecond[k], null);
      else assertAlmostEquals(columns.imagesPerSecond[k]!, mean(speeds), 1e-3);
      const { lr } = bucket.at(-1)!;
      if (lr === null) assertEquals(columns.lr[k], null);
      else assertAlmostEquals(columns.lr[k]!, lr, 1e-6);
    });
  }
});

Deno.test("StepSeries goes on from its bytes, and gives the buckets from one on", () => {
  const all = steps(3001), one = new StepSeries(), first = new StepSeries();
  for (const step of all) one.add(step);
  for (const step of all.slice(0, 1500)) first.add(step);
  const other = new StepSeries(first.bytes());
  assertEquals(other.columns(), first.columns());
  for (const step of all.slice(1500)) other.add(step);
  assertEquals(other.columns(), one.columns());
  const whole = one.columns(), part = one.columns(700);
  assertEquals([part.from, part.step, part.loss], [700, whole.step.slice(700), whole.loss.slice(700)]);
  assert(one.bytes().length <= 8 * (1 + 6 * MOST_BUCKETS));
});

Deno.test("StepSeries leaves gaps where steps are missing", () => {
  const series = new StepSeries();
  for (const step of [1, 4]) series.add({ step, loss: step, lr: 1, imagesPerSecond: 1 });
  assertEquals(series.columns().step, [1, 2, 3, 4]);
  assertEquals(series.columns().loss, [1, null, null, 4]);
  assertEquals(series.columns().lr, [1, null, null, 1]);
});
