/** What the gradients of batch norm share on WebGPU: Σ dy and Σ dy·(x - mean) of every channel, in parts. */

import type { WebGpuLimits, WebGpuPass } from "../../core/mod.ts";
import type { Extents } from "./common.ts";
import { partsOf, partsPass } from "./wgsl.ts";

/**
 * The pass that writes both sums of each part of each channel to `partial`.
 *
 * @param incoming WGSL: dy of unit `i`.
 * @param bindings The buffers `x`, `batchMean`, `partial` and those of `incoming`.
 */
export function sumsPass(
  e: Extents,
  limits: WebGpuLimits,
  incoming: string,
  bindings: WebGpuPass["bindings"],
): WebGpuPass {
  return partsPass(
    e,
    limits,
    ["total", "product"],
    `let mean = batchMean[channel];
  var sum = Unit();
  var product = Unit();
  for (var k = first; k < end; k += step) {
    let i = place(channel, k);
    let g = ${incoming};
    sum += g;
    product += g * (x[i] - mean);
  }`,
    ["reduceTotal(lane, sumOf(sum))", "reduceProduct(lane, sumOf(product))"],
    bindings,
  );
}

/** WGSL that joins the parts of channel `i` into `sum` and `product`. */
export function joinSumsWgsl(e: Extents, limits: WebGpuLimits): string {
  const parts = partsOf(e, limits);
  return `var sum = 0.0;
  var product = 0.0;
  for (var part = 0u; part < ${parts}u; part++) {
    sum += partial[(i * ${parts}u + part) * 2u];
    product += partial[(i * ${parts}u + part) * 2u + 1u];
  }`;
}
