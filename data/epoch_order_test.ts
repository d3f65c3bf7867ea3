import { assert, assertEquals } from "@std/assert";
import { epochOrder } from "./epoch_order.ts";

Deno.test("epochOrder() visits every image once, in an order of the seed and the epoch", () => {
  const order = epochOrder(50, 1, 0, true);
  assertEquals([...order].sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
  assertEquals(epochOrder(50, 1, 0, true), order);
  assert(epochOrder(50, 1, 1, true).some((index, i) => index !== order[i]));
  assert(epochOrder(50, 2, 0, true).some((index, i) => index !== order[i]));
  assertEquals([...epochOrder(4, 1, 3, false)], [0, 1, 2, 3]);
  assertEquals([...epochOrder(5, 1, 3, false, 4)], [2, 3, 4, 0, 1]);
});
