/**
 * 3x3 convolutions of stride 1 and their input gradients on WebGPU by Winograd's minimal filtering. The inputs of a tile of
 * outputs are transformed, and so are the weights; products of the two, a matrix product over the channels for each point
 * of a tile, are transformed back. An input gradient is the convolution of the output's by the kernels turned around.
 *
 * A vector of four holds the same point of the four tiles of a block. The batch is processed in chunks.
 */

import { f32, type KernelFamily, MAX_ITERATIONS, u32 } from "../../../core/mod.ts";
import { fitsWorkgroup, WORKGROUP_TILES } from "../../../kernels/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { largestBuffer, winogradGeometry, type WinogradProducts } from "./winograd/geometry.ts";
import { inputKernel } from "./winograd/inputs.ts";
import { outputKernel } from "./winograd/outputs.ts";
import { productKernel, WINOGRAD_TILE } from "./winograd/products.ts";
import type { WinogradTile } from "./winograd/transforms.ts";
import { weightKernel } from "./winograd/weights.ts";

/** How the family is set. */
export type WinogradConfiguration = {
  /** The outputs of a tile along an axis. */
  readonly tile: WinogradTile;
  /** Where the products are computed. */
  readonly products: WinogradProducts;
  /** Whether the products' factors are read through textures. */
  readonly viaTexture: boolean;
};

/** The family. What the device cannot bind is left out. */
export const WINOGRAD: KernelFamily<DirectedConvolution, WinogradConfiguration> = {
  name: "winograd",
  version: 1,
  supports: ({ groups, kernelSize, stride, dilation, sources }) =>
    groups === 1 && kernelSize.every((size) => size === 3) &&
    [...stride, ...dilation].every((extent) => extent === 1) && sources <= MAX_ITERATIONS,
  configurations(convolution, { limits }) {
    const products: Omit<WinogradConfiguration, "tile">[] = [
      { products: "registers", viaTexture: false },
      { products: "registers", viaTexture: true },
    ];
    if (fitsWorkgroup(WORKGROUP_TILES[WINOGRAD_TILE], limits)) {
      products.push({ products: "workgroup memory", viaTexture: false });
    }
    const all = products.flatMap((each) => ([4, 2] as const).map((tile) => ({ ...each, tile })));
    return all.filter(({ tile, products, viaTexture }) => {
      const bytes = largestBuffer(winogradGeometry(convolution, tile, products));
      return bytes <= limits.maxStorageBufferBindingSize && (!viaTexture || bytes <= 16 * limits.maxTexels);
    });
  },
  nameOf: ({ tile, products, viaTexture }) =>
    `winograd ${tile}x${tile} in ${products}${viaTexture ? ", via texture" : ""}`,
  emit(convolution, { tile, products, viaTexture }, { limits }) {
    const geometry = winogradGeometry(convolution, tile, products);
    const { points, columns, panels, panelRows, chunks } = geometry, { sources, channels } = convolution;
    const chunk = [
      inputKernel(geometry, limits),
      productKernel(geometry, products, viaTexture, limits),
      outputKernel(geometry, limits),
    ];
    return {
      workspace: [
        f32([points, panels, sources, panelRows]),
        f32([points, sources, columns, 4]),
        f32([points, channels, columns, 4]),
        ...(chunks > 1 ? [u32([2])] : []),
      ],
      // Transformed weights may be kept, and the counter must be.
      transient: [1, 2],
      kernels: [weightKernel(geometry, limits), ...Array(chunks).fill(chunk).flat()],
    };
  },
};
