/** What stands in for `@std/assert` tells in a sentence where large values differ. */

import { assertEquals, assertNotEquals } from "./assert.ts";

function messageOf(actual: unknown, expected: unknown, message?: string): string {
  try {
    assertEquals(actual, expected, message);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("Expected assertEquals() to throw");
}

function expectMessage(given: string, expected: string): void {
  if (given !== expected) throw new Error(`Expected "${expected}" but it says "${given.slice(0, 500)}"`);
}

const LENGTH = 3_000_000;
const floats = (changes: Readonly<Record<number, number>> = {}, length = LENGTH) =>
  Object.assign(new Float32Array(length), changes);

Deno.test("assertEquals() takes what is the same, and refuses what is not, large or small", () => {
  for (
    const value of [floats({ 3: NaN }), [floats({ 7: 1 })], new Map([["a", floats()]]), new Array(5000).fill(1), 5]
  ) {
    assertEquals(value, structuredClone(value));
  }
  assertEquals(floats().buffer, floats().buffer);
  assertNotEquals(floats(), floats({ [LENGTH - 1]: 1 }));
  for (const [a, b] of [[floats(), floats({ 0: -0 })], [floats(), new Uint32Array(LENGTH)], [1, 2], [[1], ["1"]]]) {
    messageOf(a, b);
    messageOf([a], [b]);
  }
});

Deno.test("assertEquals() says of large arrays their lengths, how many differ and the first that does", () => {
  expectMessage(
    messageOf(floats({ 5: 1, 70: 3 }), floats({ 5: 2 })),
    "value (Float32Array of 3000000 elements): 2 of 3000000 differ, the first at index 5: 1, expected 2",
  );
  expectMessage(
    messageOf(new Uint8Array(2_000_000), new Uint8Array(2_000_001), "the checkpoint"),
    "the checkpoint: value (Uint8Array of 2000000 elements rather than 2000001): the shared ones are the same",
  );
  expectMessage(
    messageOf(floats({ 1: 1 }).buffer, floats().buffer),
    "value (ArrayBuffer of 12000000 elements): 2 of 12000000 differ, the first at index 6: 128, expected 0",
  );
  expectMessage(
    messageOf(new Array(2000).fill(4), [...new Array(1999).fill(4), NaN]),
    "value (Array of 2000 elements): 1 of 2000 differ, the first at index 1999: 4, expected NaN",
  );
  expectMessage(
    messageOf(floats(), new Uint32Array(LENGTH)),
    "value (Float32Array rather than Uint32Array of 3000000 elements): the shared ones are the same",
  );
});

Deno.test("assertEquals() says the way to a difference within what is large", () => {
  const run = (steps: number, tensors: Iterable<readonly [string, Float32Array]>) => ({
    steps,
    tensors: new Map(tensors),
  });
  expectMessage(
    messageOf(
      run(3, [["a", floats()], ["fc.bias", floats({ 9: 1 }, 40)]]),
      run(3, [["a", floats()], ["fc.bias", floats({}, 40)]]),
    ),
    'value.tensors.get("fc.bias") (Float32Array of 40 elements): 1 of 40 differ, the first at index 9: 1, expected 0',
  );
  expectMessage(messageOf(run(3, [["a", floats()]]), run(4, [["a", floats()]])), "value.steps is 3, expected 4");
  expectMessage(
    messageOf([run(3, [["a", floats()]])], [run(3, [])]),
    'value[0].tensors.get("a") is Float32Array of 3000000, expected nothing there',
  );
  expectMessage(
    messageOf(run(3, []), run(3, [["a", floats()]])),
    'value.tensors.get("a") is not there, expected Float32Array of 3000000',
  );
  expectMessage(messageOf(floats(), undefined), "value is Float32Array of 3000000, expected undefined");
});
