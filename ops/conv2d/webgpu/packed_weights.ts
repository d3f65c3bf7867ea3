/** Weights as the direct kernels load them: those of a tile's channels side by side, so that they are loaded as vectors. */

import { type DeviceLimits, elementKernel, type WebGpuKernel } from "../../../core/mod.ts";
import type { DirectedConvolution } from "../directed.ts";
import { weightRow } from "./weight_row.ts";

/** How they are packed: as [group, tile, source, tap, channel of the tile]. */
export interface PackedWeights {
  /** Channels of a tile. */
  readonly tile: number;
  /** Tiles of a group's channels. */
  readonly tiles: number;
  /** Sources, maybe more than there are. */
  readonly sources: number;
}

/** Elements of the packed weights. */
export function packedSize({ groups, taps }: DirectedConvolution, { tile, tiles, sources }: PackedWeights): number {
  return groups * tiles * sources * taps * tile;
}

/**
 * The kernel that packs them behind the output; channels and sources beyond the last are zeros. Those of a gradient are turned
 * around, so that where the padding is even it is the convolution: one text, and one pipeline, for both.
 */
export function packWeightsKernel(
  convolution: DirectedConvolution,
  packed: PackedWeights,
  limits: DeviceLimits,
): WebGpuKernel {
  const { direction, channels, sources, taps, operands } = convolution, { tile, tiles } = packed;
  const tap = direction === "forward" ? "tap" : `${taps - 1}u - tap`, row = weightRow(convolution, "k", "s", "group");
  const inside = `k < ${channels}u`;
  return elementKernel(
    {
      count: packedSize(convolution, packed),
      body: `let tap = i / ${tile}u % ${taps}u;
  let s = i / ${tile * taps}u % ${packed.sources}u;
  let tile = i / ${tile * taps * packed.sources}u;
  let group = tile / ${tiles}u;
  let k = tile % ${tiles}u * ${tile}u + i % ${tile}u;
  packed[i] = select(0.0, weight[(${row}) * ${taps}u + ${tap}], ${
        packed.sources === sources ? inside : `(${inside}) & (s < ${sources}u)`
      });`,
    },
    [{ name: "weight", index: 1 }, { name: "packed", index: operands.output + 1, write: true }],
    limits,
  );
}
