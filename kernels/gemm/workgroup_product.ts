/** What families have in common that compute a problem as a product in workgroup memory: tiles, parts, partial sums. */

import {
  type DeviceLimits,
  f32,
  type KernelFamily,
  type KernelSequence,
  type TensorSpec,
  type WebGpuKernel,
} from "../../core/mod.ts";
import { WORKGROUP_TILES, type WorkgroupTile } from "./tiles.ts";
import { partialSize, type StagedProduct, workgroupGemmKernels } from "./workgroup.ts";
import {
  coverageOfConfiguration,
  hasWorkgroupTiles,
  isLargePartial,
  launchOf,
  nameOfConfiguration,
  type WorkgroupConfiguration,
  workgroupConfigurations,
  type WorkgroupShape,
} from "./workgroup_choice.ts";

/** A product that is staged for a tile. */
export interface StagedWork {
  /** The product. */
  readonly product: StagedProduct;
  /** The index of the first buffer of the workspace. */
  readonly workspace: number;
  /** Operands that are packed before: the first buffers of the workspace, and the kernels that fill them. */
  readonly packed?: { readonly specs: readonly TensorSpec[]; readonly kernels: readonly WebGpuKernel[] };
}

/** How problems become products in workgroup memory. */
export interface WorkgroupProduct<P> {
  /** The family's name, with which those of its variants begin. */
  readonly name: string;
  /** The family's version. */
  readonly version: number;
  /** Whether it computes a problem on a device that has the memory. */
  supports(problem: P): boolean;
  /** What the choice of a tile depends on. */
  shapeOf(problem: P): WorkgroupShape;
  /** Elements of each operand that is packed, which a device must be able to bind. Defaults to none. */
  packedSizes?(problem: P, tile: WorkgroupTile): readonly number[];
  /** Stages the product. */
  stage(problem: P, tile: WorkgroupTile, limits: DeviceLimits): StagedWork;
}

/** The family of such products: a tile and a number of parts of the depth are its configurations. */
export function workgroupFamily<P>(
  { name, version, supports, shapeOf, packedSizes = () => [], stage }: WorkgroupProduct<P>,
): KernelFamily<P, WorkgroupConfiguration> {
  return {
    name,
    version,
    supports: (problem, { limits }) => supports(problem) && hasWorkgroupTiles(shapeOf(problem), limits),
    configurations: (problem, { limits }) =>
      workgroupConfigurations(shapeOf(problem), limits).filter(({ tile }) =>
        packedSizes(problem, WORKGROUP_TILES[tile]).every((size) => 4 * size <= limits.maxStorageBufferBindingSize)
      ),
    coverageOf: coverageOfConfiguration,
    launchOf: (problem, configuration) => launchOf(shapeOf(problem), configuration),
    nameOf: (configuration) => `${name} ${nameOfConfiguration(configuration)}`,
    emit(problem, { tile: tileName, parts }, { limits }): KernelSequence {
      const tile = WORKGROUP_TILES[tileName], { product, workspace, packed } = stage(problem, tile, limits);
      const specs = packed?.specs ?? [], partial = workspace + specs.length, size = partialSize(product, parts);
      return {
        workspace: [...specs, ...(parts > 1 ? [f32([size])] : [])],
        transient: parts > 1 && isLargePartial(size) ? [partial] : [],
        kernels: [...packed?.kernels ?? [], ...workgroupGemmKernels(product, tile, parts, partial, limits)],
      };
    },
  };
}
