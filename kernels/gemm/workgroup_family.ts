/** Matrix products in workgroup memory: how a product of matrices that lie in buffers is staged. */

import { type DeviceLimits, f32, type KernelFamily, MAX_ITERATIONS, sizeWgsl } from "../../core/mod.ts";
import type { TensorSpec, WebGpuKernel } from "../../core/mod.ts";
import { storeOfFour } from "../text.ts";
import { layoutOf, type Matrix, matrixOperand, packedMatrix, packMatrixKernel, paddedLines } from "./matrix.ts";
import { type GemmProblem, workspaceOf } from "./problem.ts";
import { columnBias, storeBindings } from "./store.ts";
import { blockHeight, blockWidth, type WorkgroupTile } from "./tiles.ts";
import type { StagedProduct, StagedStore } from "./workgroup.ts";
import type { WorkgroupConfiguration, WorkgroupShape } from "./workgroup_choice.ts";
import { type StagedWork, workgroupFamily } from "./workgroup_product.ts";

/**
 * A workgroup computes a block from slices in workgroup memory: the columns of all B side by side. An operand that cannot be
 * loaded in vectors as it lies is packed depth by depth, and so is A where the problem says so.
 */
export const WORKGROUP_GEMM: KernelFamily<GemmProblem, WorkgroupConfiguration> = workgroupFamily({
  name: "GEMM in workgroup memory",
  version: 3,
  supports: ({ k }) => k <= MAX_ITERATIONS,
  shapeOf: workgroupShape,
  packedSizes(problem, tile) {
    const [a, b] = matricesOf(problem);
    return [
      ...(packs(a, problem.packsA) ? [sizeOf(packedMatrix(a, blockHeight(tile), tile))] : []),
      ...(packs(b) ? [sizeOf(packedMatrix(b, blockWidth(tile), tile))] : []),
    ];
  },
  stage,
});

/** What the choice of a tile depends on. */
export function workgroupShape(problem: GemmProblem): WorkgroupShape {
  const [a, b] = matricesOf(problem);
  return {
    extents: [problem.m, b.count * paddedLines(b)],
    slices: (depth) => Math.ceil(problem.k / depth),
    turned: [!packs(a, problem.packsA) && layoutOf(a) === "depths", layoutOf(b) === "depths"],
    loads: [1, 1],
  };
}

/** A and B. */
function matricesOf({ m, n, k, a, b, batch = 1 }: GemmProblem): [a: Matrix, b: Matrix] {
  return [
    { lines: m, depth: k, lineStride: a[0], depthStride: a[1], count: 1 },
    { lines: n, depth: k, lineStride: b[1], depthStride: b[0], count: batch },
  ];
}

function packs(matrix: Matrix, wanted = false): boolean {
  const layout = layoutOf(matrix);
  return layout === "neither" || (wanted && layout !== "lines");
}

function sizeOf({ lines, depth }: Matrix): number {
  return lines * depth;
}

function stage(problem: GemmProblem, tile: WorkgroupTile, limits: DeviceLimits): StagedWork {
  const specs: TensorSpec[] = [], kernels: WebGpuKernel[] = [];
  const { buffers } = problem, [a, b] = matricesOf(problem), workspace = workspaceOf(problem);
  const operand = (name: string, matrix: Matrix, index: number, block: number, wanted?: boolean) => {
    if (!packs(matrix, wanted)) return { ...matrixOperand(name, matrix, block, tile), index };
    const packed = packedMatrix(matrix, block, tile), target = workspace + specs.length;
    specs.push(f32([packed.depth, packed.lines]));
    kernels.push(packMatrixKernel(matrix, packed, [index, target], limits));
    return { ...matrixOperand(name, packed, block, tile), index: target };
  };
  const stagedA = operand("a", a, buffers.a, blockHeight(tile), problem.packsA);
  const stagedB = operand("b", b, buffers.b, blockWidth(tile));
  const product: StagedProduct = {
    ...workgroupShape(problem),
    slices: Math.ceil(problem.k / tile.depth),
    a: stagedA,
    b: stagedB,
    store: storeOf(problem),
    bindings: [
      { name: "a", index: stagedA.index, vector: true },
      { name: "b", index: stagedB.index, vector: true },
    ],
  };
  return { product, workspace, packed: { specs, kernels } };
}

/** C, with the bias and the epilogue. */
function storeOf(problem: GemmProblem): StagedStore {
  const { m, n, bias, epilogue } = problem,
    vector = n % 4 === 0,
    width = sizeWgsl("c_width", paddedLines({ lines: n }));
  const addend = (id: number, row: string) => {
    if (bias === undefined) return "";
    return bias.of === "row" ? ` + bias[${row}]` : ` + bias${id}`;
  };
  return {
    position: (id, column) =>
      `let first${id} = (${column}) % ${width};
    let start${id} = (${column}) / ${width} * ${sizeWgsl("c_matrix", m * n)} + first${id};${
        bias?.of === "column" ? `\n    let bias${id} = ${columnBias(n, (c) => `first${id} + ${c}u`)};` : ""
      }`,
    put: (id, row, sum) =>
      `let value = ${sum}${addend(id, row)}; let start = start${id} + (${row}) * ${sizeWgsl("c_row", n)}; ${
        storeOfFour({
          target: "c",
          start: "start",
          vector,
          guard: vector ? undefined : (c) => c === 0 ? "" : `if (first${id} + ${c}u < ${n}u) `,
          epilogue: epilogue?.apply,
        })
      }`,
    bindings: storeBindings(problem),
  };
}
