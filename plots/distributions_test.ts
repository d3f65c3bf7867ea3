import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Random } from "../core/mod.ts";
import { distributionOf, parameterDistributions, QUANTILES } from "./distributions.ts";

/** What numpy says of the same numbers: `tools/golden_distributions.py`. */
const golden: Readonly<Record<string, readonly number[]>> = JSON.parse(
  await Deno.readTextFile(new URL("../tests/golden/distributions.json", import.meta.url)),
);

/** The numbers that the golden values are of: their bits are those of a generator that both sides have. */
function numbers(count: number, scale: number, offset: number): Float32Array {
  let state = 12345;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return offset + scale * (((state >>> 8) / 2 ** 24) ** 2 - 0.25);
  });
}

Deno.test("distributionOf() gives numpy's mean, standard deviation, extremes and percentiles", () => {
  for (const [name, expected] of Object.entries(golden)) {
    const [count, scale, offset] = name.split(" ").map(Number);
    const { minimum, maximum, mean, deviation, quantiles } = distributionOf(numbers(count, scale, offset));
    const actual = [minimum, maximum, mean, deviation, ...quantiles];
    // Five digits are kept.
    actual.forEach((value, k) =>
      assertAlmostEquals(value, expected[k], 5e-5 * Math.abs(expected[k]) + 1e-12, `${name}: ${k}`)
    );
  }
});

Deno.test("distributionOf() takes quantiles of large tensors from some of their values", () => {
  const random = new Random(4, "large"), large = Float32Array.from({ length: 1_000_001 }, () => random.uniform());
  // A share q of n values has a standard error of sqrt(q (1 - q) / n), at most 0.0157 of 1024: three times that.
  distributionOf(large).quantiles.forEach((value, k) => assertAlmostEquals(value, QUANTILES[k], 0.047));
});

Deno.test("parameterDistributions() names parameters, with their momentum where there is one", () => {
  const tensor = (...data: number[]) => ({ shape: [data.length], data: Float32Array.from(data) });
  const found = parameterDistributions(
    new Map([
      ["conv1.weight", tensor(1, 2, 3)],
      ["bn1.running_mean", tensor(9)],
      ["bn1.weight", tensor(5)],
      ["optimizer.mean.conv1.weight", tensor(-1, -2)],
      ["optimizer.meanSquare.conv1.weight", tensor(7)],
    ]),
  );
  assertEquals(found.map(({ name }) => name), ["conv1.weight", "bn1.weight"]);
  assertEquals([found[0].weights.quantiles[2], found[0].gradient?.mean, found[1].gradient], [2, -1.5, undefined]);
});
