/** The sums of every channel that forms of batch norm share on WebGPU: moments of x; Σ dy and Σ dy·(x - mean). */

import { range } from "../../kernels/mod.ts";
import type { ChannelWork } from "./channel_kernels.ts";
import type { Extents } from "./norm_shape.ts";
import { unitSize } from "./units.ts";

/**
 * `mean` and `squares`, the sum of the squares around it. Each thread follows the mean and the squares around it over its units, then those of a part are joined, then all parts,
 * all by Chan et al. 1983, equation 2.1. The units that are taken at a time are one sample of it.
 */
export function momentSums(e: Extents): Pick<ChannelWork, "sums" | "join"> {
  const size = unitSize(e);
  return {
    sums: {
      buffers: ["x*"],
      start: "var seen = 0.0; var mean = 0.0; var squares = 0.0;",
      take: (positions) => {
        const count = positions.length, around = range(count).map((k) => `d${k} * d${k}`);
        const total = range(count).map((k) => `x${k}`).join(" + ");
        return `${positions.map((at, k) => `let x${k} = x[${at}];`).join(" ")}
    let mid = sumOf(${total}) / ${count * size}.0;
    ${range(count).map((k) => `let d${k} = x${k} - mid;`).join(" ")}
    let difference = mid - mean;
    let share = ${count}.0 / (seen + ${count}.0);
    squares += sumOf(${around.join(" + ")}) + ${size}.0 * difference * difference * seen * share;
    mean += difference * share;
    seen += ${count}.0;`;
      },
      reducers: ["total", "square"],
      finish: `let first = reduceTotal(lane, mean * seen) / units;
  let second = reduceSquare(lane, squares + ${size}.0 * seen * (mean - first) * (mean - first));`,
    },
    join: {
      start: "var count = 0.0; var mean = 0.0; var squares = 0.0;",
      take: `let difference = pair.x - mean;
    let total = count + size;
    mean += difference * size / total;
    squares += pair.y + difference * difference * count * size / total;
    count = total;`,
      finish: "",
    },
  };
}

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
      take: (positions) => {
        const loads = positions.map((at, k) =>
          `let g${k} = ${incoming.replaceAll("[i]", `[${at}]`)}; let d${k} = x[${at}] - mean;`
        );
        return `${loads.join("\n    ")}
    sum += ${positions.map((_, k) => `g${k}`).join(" + ")};
    product += ${positions.map((_, k) => `g${k} * d${k}`).join(" + ")};`;
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
