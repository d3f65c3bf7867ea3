import { assert, assertEquals } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { type HalfCalls, HalfSum } from "./half_sum.ts";

/** Ranks in this process, whose calls meet. */
function ranksOf(size: number): HalfSum[] {
  const meet = (): (rank: number, from: Uint8Array) => Promise<readonly Uint8Array[]> => {
    let given: Uint8Array[] = [], gate = Promise.withResolvers<readonly Uint8Array[]>(), come = 0;
    return (rank, from) => {
      given[rank] = from.slice();
      const { promise } = gate;
      if (++come === size) {
        gate.resolve(given);
        [given, gate, come] = [[], Promise.withResolvers(), 0];
      }
      return promise;
    };
  };
  const all = meet(), gathered = meet();
  return Array.from({ length: size }, (_, rank) => {
    const calls: HalfCalls = {
      async alltoall(from, to, bytes) {
        assertEquals([from.length, to.length], [size * bytes, size * bytes]);
        (await all(rank, from)).forEach((each, k) =>
          to.set(each.subarray(rank * bytes, (rank + 1) * bytes), k * bytes)
        );
      },
      async allgather(from, to, bytes) {
        assertEquals([from.length, to.length], [bytes, size * bytes]);
        (await gathered(rank, from)).forEach((each, k) => to.set(each, k * bytes));
      },
    };
    return new HalfSum(size, calls);
  });
}

/** What the ranks should have: roundings to float16 of what each gives and of the sum, which is added up in float32. */
function expectedOf(given: readonly Float32Array[]): Float32Array {
  const sums = new Float32Array(given[0].length);
  for (const values of given) values.forEach((value, i) => sums[i] += Math.f16round(value));
  return sums.map((sum) => Math.f16round(sum));
}

Deno.test("HalfSum gives all ranks the same sums, rounded to float16, of any length", async () => {
  for (const size of [1, 2, 3, 5]) {
    const ranks = ranksOf(size), random = new Random(size, "halves");
    // Longer ones, then shorter ones in the same memory.
    for (const length of [1, 7, 1009, 64, 2]) {
      const given = ranks.map(() => Float32Array.from({ length }, () => random.normal()));
      const expected = expectedOf(given), sums = given.map((values) => values.slice());
      await Promise.all(ranks.map((rank, k) => rank.sum(sums[k])));
      for (const values of sums) assertEquals(values, expected, `${size} ranks, ${length} values`);
    }
  }
});

Deno.test("HalfSum gives infinity where float16 has no number, and NaN where a rank has it", async () => {
  const ranks = ranksOf(2), sums = [Float32Array.of(60_000, 1, NaN), Float32Array.of(60_000, 2 ** -30, 1)];
  await Promise.all(ranks.map((rank, k) => rank.sum(sums[k])));
  for (const values of sums) assert(values[0] === Infinity && values[1] === 1 && Number.isNaN(values[2]), `${values}`);
});
