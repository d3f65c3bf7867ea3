/**
 * 3x3 convolutions of stride 1 and their input gradients on WebGPU by Winograd's minimal filtering. The inputs of a tile of
 * outputs are transformed, and so are the weights; products of the two, a matrix product over the channels for each point
 * of a tile, are transformed back. An input gradient is the convolution of the output's by the kernels turned around.
 *
 * A vector of four holds the same point of the four tiles of a block. The batch is processed in chunks.
 */

import { f32, lazyVariant, type MarkedVariant, preferIf, u32, type WebGpuLimits } from "../../../core/mod.ts";
import { fitsWorkgroup, WORKGROUP_TILE_64x64x16 } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import {
  largestBuffer,
  weightBytes,
  type WinogradGeometry,
  winogradGeometry,
  type WinogradProducts,
} from "./winograd/geometry.ts";
import { inputKernel } from "./winograd/inputs.ts";
import { outputKernel } from "./winograd/outputs.ts";
import { productKernel } from "./winograd/products.ts";
import { weightKernel } from "./winograd/weights.ts";

/** Multiplications of a direct convolution, below which more dispatches cost more than they save. */
const SMALL_CONVOLUTION = 16_000_000;
/** Bytes of transformed weights, above which they are not worth their memory. */
const MOST_WEIGHT_BYTES = 16 * 2 ** 20;
/** How much larger than the result its tiles may be. */
const MOST_FILLED_UP = 1.8;

/** Whether the method applies. */
export function canWinograd({ groups, kernelSize, stride, dilation }: DirectedConvolution): boolean {
  return groups === 1 && kernelSize.every((size) => size === 3) &&
    [...stride, ...dilation].every((extent) => extent === 1);
}

/**
 * The variants for tiles of 4x4 and 2x2 outputs; those whose workspace the device cannot bind are left out.
 *
 * @param leastChannels The channels, of the source and of the result, from which on the transforms cost less than they save
 * beside the other variants on a software adapter.
 */
export function winogradVariants(
  convolution: DirectedConvolution,
  limits: WebGpuLimits,
  leastChannels: number,
): MarkedVariant[] {
  const places: WinogradProducts[] = limits.software ? ["registers, texels", "registers"] : [];
  if (fitsWorkgroup(WORKGROUP_TILE_64x64x16, limits)) places.push("workgroup memory");
  return places.flatMap((products) =>
    ([4, 2] as const).map((tile) => winogradGeometry(convolution, tile, products))
      .filter((geometry) => largestBuffer(geometry) <= limits.maxStorageBufferBindingSize)
      .filter((geometry) => products !== "registers, texels" || largestBuffer(geometry) <= 16 * limits.maxTexels)
      .map((geometry) =>
        preferIf(
          variantOf(geometry, products, limits),
          products !== "workgroup memory" && isWorthwhile(geometry, leastChannels),
        )
      )
  );
}

function variantOf(geometry: WinogradGeometry, products: WinogradProducts, limits: WebGpuLimits): MarkedVariant {
  const { convolution: { sources, channels }, tile, points, columns, panels, panelRows, chunks } = geometry;
  const workspace = [
    f32([points, panels, sources, panelRows]),
    f32([points, sources, columns, 4]),
    f32([points, channels, columns, 4]),
    ...(chunks > 1 ? [u32([2])] : []),
  ];
  return lazyVariant({ name: `winograd ${tile}x${tile} in ${products}`, workspace, transient: [1, 2] }, () => {
    const chunk = [
      inputKernel(geometry, limits),
      productKernel(geometry, products, limits),
      outputKernel(geometry, limits),
    ];
    return [weightKernel(geometry, limits), ...Array(chunks).fill(chunk).flat()];
  });
}

/** Whether the transforms are expected to cost less than they save. */
function isWorthwhile(geometry: WinogradGeometry, leastChannels: number): boolean {
  const { convolution: { batch, sources, channels, resultSize }, tile, blocks } = geometry;
  const positions = resultSize[0] * resultSize[1], covered = 4 * blocks[0] * blocks[1] * tile ** 2;
  return Math.min(sources, channels) >= leastChannels && covered <= MOST_FILLED_UP * positions &&
    9 * batch * positions * sources * channels >= SMALL_CONVOLUTION &&
    weightBytes(geometry) <= MOST_WEIGHT_BYTES;
}
