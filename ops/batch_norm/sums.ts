/** What the gradients of batch norm share on WebGPU: Σ dy and Σ dy·(x - mean) of every channel. */

import type { ChannelWork } from "./channel_kernels.ts";

/**
 * Both sums, as `sum` and `product`.
 *
 * @param mean The name of the buffer of the means.
 * @param incoming WGSL: dy of unit `i`.
 * @param buffers The buffers of `incoming`.
 */
export function gradientSums(
  mean: string,
  incoming: string,
  buffers: readonly string[],
): Pick<ChannelWork, "sums" | "join"> {
  return {
    sums: {
      buffers: [...buffers, "x*", mean],
      start: `let mean = ${mean}[c]; var sum = Unit(); var product = Unit();`,
      take: (count) => {
        const range = [...Array(count).keys()];
        const loads = range.map((k) =>
          `let g${k} = ${incoming.replaceAll("[i]", `[p + ${k}u]`)}; let d${k} = x[p + ${k}u] - mean;`
        );
        return `${loads.join("\n    ")}
    sum += ${range.map((k) => `g${k}`).join(" + ")};
    product += ${range.map((k) => `g${k} * d${k}`).join(" + ")};`;
      },
      reducers: ["total", "product"],
      finish: "let first = reduceTotal(lane, sumOf(sum)); let second = reduceProduct(lane, sumOf(product));",
    },
    join: {
      start: "var sum = 0.0; var product = 0.0;",
      take: "sum += pair.x; product += pair.y;",
      finish: "",
    },
  };
}
