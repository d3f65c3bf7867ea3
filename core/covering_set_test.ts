import { assertEquals } from "@std/assert";
import { coveringSet } from "./covering_set.ts";
import { Random } from "./util/random.ts";

const of = (keys: string, cost = 1) => [...keys].map((key) => ({ key, cost }));

Deno.test("coveringSet() takes one variant a sample where that covers every key", () => {
  assertEquals(coveringSet([of("ab"), of("ab"), of("abc")]), [[0], [1], [2]]);
});

Deno.test("coveringSet() takes more of a sample where keys are left, and repeats a key where a sample is", () => {
  assertEquals(coveringSet([of("abcd"), of("a")]), [[0, 1, 2, 3], [0]]);
  assertEquals(coveringSet([of("a"), of("a"), []]), [[0], [0], []]);
});

Deno.test("coveringSet() takes the cheaper of two that cover as much", () => {
  assertEquals(coveringSet([of("a", 3), of("ab", 2), of("ab", 1)]), [[0], [1], [0]]);
});

Deno.test("coveringSet() covers every key and every sample, the same way each time", () => {
  const random = new Random(5, "covering sets");
  for (let round = 0; round < 200; round++) {
    const samples = Array.from(
      { length: 1 + random.integer(12) },
      () => [..."abcdefghij"].filter(() => random.integer(3) === 0).map((key) => ({ key, cost: random.integer(4) })),
    );
    const chosen = coveringSet(samples),
      keys = (of: (sample: number) => readonly number[]) =>
        new Set(samples.flatMap((variants, sample) => of(sample).map((index) => variants[index].key)));
    assertEquals(keys((sample) => chosen[sample]), keys((sample) => samples[sample].map((_, index) => index)));
    assertEquals(chosen.map((indices) => indices.length > 0), samples.map((variants) => variants.length > 0));
    assertEquals(coveringSet(samples), chosen);
  }
});
