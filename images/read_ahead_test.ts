import { assertEquals, assertRejects } from "@std/assert";
import { readAhead } from "./read_ahead.ts";

Deno.test("readAhead() gives results in order, runs no more tasks than it may, and works ahead", async () => {
  let running = 0, most = 0, started = 0, furthest = 0, taken = 0;
  const items = Array.from({ length: 40 }, (_, k) => k), seen: number[] = [];
  const results = readAhead(items, { ahead: 7, atOnce: 3 }, async (item) => {
    most = Math.max(most, ++running);
    started++;
    await new Promise((resolve) => setTimeout(resolve, (item * 7) % 5));
    running--;
    return item * item;
  });
  for await (const result of results) {
    seen.push(result);
    taken++;
    if (taken === 5) await new Promise((resolve) => setTimeout(resolve, 50));
    furthest = Math.max(furthest, started - taken);
  }
  assertEquals(seen, items.map((item) => item * item));
  assertEquals([most, running, furthest], [3, 0, 6]);
});

Deno.test("readAhead() raises an error at its position", async () => {
  const results = readAhead(
    [1, 2, 3],
    { ahead: 3, atOnce: 3 },
    (item) => item === 2 ? Promise.reject(new Error("two")) : Promise.resolve(item),
  );
  assertEquals((await results.next()).value, 1);
  await assertRejects(() => results.next(), Error, "two");
  assertEquals(await Array.fromAsync(readAhead([], { ahead: 3, atOnce: 3 }, (item) => Promise.resolve(item))), []);
});
