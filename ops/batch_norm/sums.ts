/** What the gradients of batch norm share on WebGPU: Σ dy and Σ dy·(x - mean) of every channel, in parts. */

import type { WebGpuPass } from "../../core/mod.ts";
import { workgroupSum } from "../_reduce.ts";
import { channelIndexWgsl, type Extents, partsOf, partStartWgsl } from "./common.ts";

/**
 * The pass that writes both sums of each part of each channel to `partial`.
 *
 * @param incoming WGSL: dy at element `i`.
 * @param bindings The buffers `x`, `batchMean`, `partial` and those of `incoming`.
 */
export function sumsPass(e: Extents, incoming: string, bindings: WebGpuPass["bindings"]): WebGpuPass {
  const parts = partsOf(e);
  return {
    wgsl: `${workgroupSum(["total", "product"])}
${channelIndexWgsl(e)}
${partStartWgsl(e)}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let end = partStart(group.y + 1u);
  let mean = batchMean[group.x];
  var sum = 0.0;
  var product = 0.0;
  for (var k = partStart(group.y) + lane; k < end; k += 64u) {
    let i = place(group.x, k);
    let g = ${incoming};
    sum += g;
    product += g * (x[i] - mean);
  }
  let allSum = reduceTotal(lane, sum);
  let allProduct = reduceProduct(lane, product);
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
export function joinSumsWgsl(e: Extents): string {
  const parts = partsOf(e);
  return `var sum = 0.0;
  var product = 0.0;
  for (var part = 0u; part < ${parts}u; part++) {
    sum += partial[(i * ${parts}u + part) * 2u];
    product += partial[(i * ${parts}u + part) * 2u + 1u];
  }`;
}
