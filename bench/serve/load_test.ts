import { assert, assertEquals } from "@std/assert";
import { measureLoad, quantile } from "./load.ts";

Deno.test("quantile() gives the nearest rank", () => {
  const values = Array.from({ length: 200 }, (_, k) => k + 1);
  assertEquals([0, 0.5, 0.99, 1].map((share) => quantile(values, share)), [1, 100, 198, 200]);
  assertEquals(quantile([7], 0.99), 7);
});

Deno.test("measureLoad() keeps as many requests open as there are clients, and counts answers and failures", async () => {
  let open = 0, most = 0, asked = 0;
  const ask = async () => {
    most = Math.max(most, ++open);
    const isRight = ++asked % 2 === 0;
    await new Promise((resolve) => setTimeout(resolve, 2));
    open--;
    return isRight;
  };
  const { rate, p50, p99, failures } = await measureLoad(ask, { clients: 3, seconds: 1, warmUp: 0.05 });
  assertEquals([open, most], [0, 3]);
  assert(rate <= asked && rate > 0 && failures > 0 && failures < asked);
  assert(p50 >= 0.001 && p99 >= p50);
});
