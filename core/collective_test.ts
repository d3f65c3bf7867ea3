import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { localCollectives, UsageError } from "./mod.ts";

Deno.test("localCollectives() sums in place over all ranks, and begins sums while earlier ones run", async () => {
  const ranks = localCollectives(3);
  assertEquals(ranks.map(({ rank, size }) => [rank, size]), [[0, 3], [1, 3], [2, 3]]);
  const values = ranks.map(({ rank }) => [Float32Array.of(rank, 2 ** -20 * rank), Float32Array.of(1 << rank)]);
  // The last rank begins both sums before the others come.
  const sums = [2, 0, 1].flatMap((rank) => values[rank].map((each) => ranks[rank].sum(each)));
  await Promise.all(sums);
  for (const [first, second] of values) {
    assertEquals(first, Float32Array.of(3, 3 * 2 ** -20));
    assertEquals(second, Float32Array.of(7));
  }
});

Deno.test("localCollectives() adds in the order of the ranks, whoever comes first", async () => {
  const [first, second, third] = localCollectives(3);
  const values = [2 ** 24, 1, -(2 ** 24)].map((value) => Float32Array.of(value));
  await Promise.all([third.sum(values[2]), second.sum(values[1]), first.sum(values[0])]);
  // (2^24 + 1) - 2^24 in float32.
  assertEquals(values.map(([value]) => value), [0, 0, 0]);
});

Deno.test("localCollectives() refuses other lengths on all ranks, and no number of ranks", async () => {
  const [first, second] = localCollectives(2);
  const waiting = assertRejects(() => first.sum(new Float32Array(2)), UsageError, "rank 0 gave 2 and rank 1 gave 3");
  await assertRejects(() => second.sum(new Float32Array(3)), UsageError);
  await waiting;
  assertThrows(() => localCollectives(0), UsageError, "size");
});
