import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "./errors.ts";
import { philox, Random } from "./random.ts";

Deno.test("philox() gives the known answers of its authors", () => {
  const words = new Uint32Array(4);
  const hex = () => [...words].map((word) => word.toString(16).padStart(8, "0")).join(" ");
  philox([0, 0, 0, 0], [0, 0], words);
  assertEquals(hex(), "6627e8d5 e169c58d bc57ac4c 9b00dbd8");
  philox([-1, -1, -1, -1], [-1, -1], words);
  assertEquals(hex(), "408f276d 41c83b0e a20bc7c6 6d5451fd");
  philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], words);
  assertEquals(hex(), "d16cfe09 94fdcceb 5001e420 24126ea1");
});

Deno.test("Random.normal() has mean 0 and deviation 1", () => {
  const random = new Random(3, "moments"), count = 50000;
  let sum = 0, squares = 0;
  for (let k = 0; k < count; k++) {
    const value = random.normal();
    sum += value;
    squares += value * value;
  }
  assert(Math.abs(sum / count) < 0.02 && Math.abs(squares / count - 1) < 0.02);
});

Deno.test("Random.integer() refuses what no number is below", () => {
  const random = new Random(1, "refused");
  for (const count of [0, -1, 0.5, 2 ** 32 + 1, NaN, Infinity]) assertThrows(() => random.integer(count), UsageError);
  assertEquals(random.integer(1), 0);
  assert(random.integer(2 ** 32) < 2 ** 32);
});

Deno.test("Random.permutation() holds every number once, in another order for another stream", () => {
  const order = new Random(1, "a").permutation(100);
  assertEquals([...order].sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i));
  assert(order.join() !== new Random(1, "b").permutation(100).join());
});

Deno.test("Random gives disjoint parts of a stream, the first of which is its beginning", () => {
  const words = (...part: [[number, number]?]) => {
    const random = new Random(3, "parts", ...part);
    return Array.from({ length: 40 }, () => random.uint32());
  };
  assertEquals(words([0, 0]), words());
  const all = [words([0, 0]), words([1, 0]), words([0, 1]), words([1, 1])].flat();
  assertEquals(new Set(all).size, all.length);
});
