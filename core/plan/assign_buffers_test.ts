import { assert, assertEquals } from "@std/assert";
import { assignBuffers, type Lifetime, liveBytesPeak } from "./assign_buffers.ts";
import { placeInArena } from "../cpu/arena.ts";
import { Random } from "../util/random.ts";

/** Lifetimes of random length and of sizes that repeat. */
function randomLives(count: number, seed: number): Lifetime[] {
  const random = new Random(seed, "lives");
  return Array.from({ length: count }, (_, first) => ({
    first,
    last: first + random.integer(first % 3 === 0 ? count : 4),
    bytes: 1 + random.integer(first % 2 === 0 ? 5 : 5000),
  }));
}

function together(a: Lifetime, b: Lifetime): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** A lower bound of whole buffers: the sum over k of the largest size that the k-th largest live value has at any node. */
function buffersBound(lives: readonly Lifetime[]): number {
  const most: number[] = [];
  for (const { first } of lives) {
    const sizes = lives.filter((life) => life.first <= first && first <= life.last).map(({ bytes }) => bytes);
    sizes.sort((a, b) => b - a).forEach((bytes, rank) => most[rank] = Math.max(most[rank] ?? 0, bytes));
  }
  return most.reduce((sum, bytes) => sum + bytes, 0);
}

Deno.test("assignBuffers() gives values that are alive together different buffers, large enough", () => {
  for (const [seed, count] of [1, 2, 3, 7, 40, 150].entries()) {
    const lives = randomLives(count, seed), { buffers, sizes } = assignBuffers(lives);
    assertEquals(buffers.length, count);
    lives.forEach((life, index) => {
      assert(sizes[buffers[index]] >= life.bytes);
      for (let other = 0; other < index; other++) {
        assert(buffers[other] !== buffers[index] || !together(lives[other], life), `${other} and ${index} share`);
      }
    });
    const total = sizes.reduce((sum, size) => sum + size, 0), bound = buffersBound(lives);
    assert(total >= bound && total <= 1.3 * bound, `${total} bytes where ${bound} are the least`);
  }
  assertEquals(assignBuffers([]), { buffers: [], sizes: [] });
});

Deno.test("placeInArena() gives values that are alive together disjoint ranges, on whole cache lines", () => {
  for (const [seed, count] of [1, 2, 3, 7, 40, 150].entries()) {
    const lives = randomLives(count, seed), { offsets, bytes } = placeInArena(lives);
    lives.forEach((life, index) => {
      assertEquals(offsets[index] % 64, 0);
      assert(offsets[index] + life.bytes <= bytes);
      for (let other = 0; other < index; other++) {
        const apart = offsets[other] + lives[other].bytes <= offsets[index] ||
          offsets[index] + life.bytes <= offsets[other];
        assert(apart || !together(lives[other], life), `${other} and ${index} overlap`);
      }
    });
    const peak = liveBytesPeak(lives.map((life) => ({ ...life, bytes: Math.ceil(life.bytes / 64) * 64 })));
    assert(bytes >= peak && bytes <= 1.3 * peak, `${bytes} bytes where ${peak} are the least`);
  }
});

Deno.test("liveBytesPeak() counts values that meet at one node together", () => {
  assertEquals(liveBytesPeak([]), 0);
  assertEquals(liveBytesPeak([{ first: 0, last: 1, bytes: 4 }, { first: 1, last: 2, bytes: 8 }]), 12);
  assertEquals(liveBytesPeak([{ first: 0, last: 1, bytes: 4 }, { first: 2, last: 2, bytes: 8 }]), 8);
});
