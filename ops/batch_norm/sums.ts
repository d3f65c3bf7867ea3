/** What the gradients of batch norm share on WebGPU: Σ dy and Σ dy·(x - mean) of every channel, in parts. */

import type { WebGpuLimits, WebGpuPass } from "../../core/mod.ts";
import { workgroupSum } from "../_reduce.ts";
import type { Extents } from "./common.ts";
import { partsOf, partWgsl, unitWgsl } from "./wgsl.ts";

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
  const parts = partsOf(e, limits);
  return {
    wgsl: `${workgroupSum(["total", "product"])}
${unitWgsl(e)}
${partWgsl(e, limits)}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let end = partStart(group.y + 1u);
  let mean = batchMean[group.x];
  var sum = Unit();
  var product = Unit();
  for (var k = partStart(group.y) + lane; k < end; k += 64u) {
    let i = place(group.x, k);
    let g = ${incoming};
    sum += g;
    product += g * (x[i] - mean);
  }
  let allSum = reduceTotal(lane, sumOf(sum));
  let allProduct = reduceProduct(lane, sumOf(product));
  if (lane == 0u) {
    partial[(group.x * ${parts}u + group.y) * 2u] = allSum;
    partial[(group.x * ${parts}u + group.y) * 2u + 1u] = allProduct;
  }
}`,
    bindings,
    workgroups: [e.channels, parts, 1],
  };
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
