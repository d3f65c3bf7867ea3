import { assertEquals } from "@std/assert";
import { epochOrder } from "./epoch_order.ts";
import { rankOrder } from "./rank_order.ts";

Deno.test("rankOrder() gives ranks batches that together are those of one", () => {
  const batch = 12, order = epochOrder(67, 5, 2, true), batches = 5;
  for (const size of [1, 2, 3, 4]) {
    const own = batch / size, ranks = Array.from({ length: size }, (_, rank) => rankOrder(order, batch, rank, size));
    assertEquals(ranks.map(({ length }) => length), Array(size).fill(batches * own));
    const joined = Array.from(
      { length: batches },
      (_, step) => ranks.flatMap((part) => [...part.subarray(step * own, (step + 1) * own)]),
    ).flat();
    assertEquals(joined, [...order.subarray(0, batches * batch)]);
  }
});
