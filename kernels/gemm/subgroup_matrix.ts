/**
 * The kernel of matrix products of float16 by subgroup matrices: a workgroup stages slices of A and B in workgroup memory,
 * zeros beyond the edges; its four subgroups multiply two by two matrices each, with sums in float32, which go through
 * workgroup memory too, so that bias, epilogue and edges are as in other kernels.
 */

import {
  type DeviceAbilities,
  type KernelFamily,
  MAX_ITERATIONS,
  type SubgroupMatrix,
  type WebGpuKernel,
} from "../../core/mod.ts";
import { range } from "../text.ts";
import type { GemmProblem } from "./problem.ts";
import { scalarBindings } from "./store.ts";

/** Subgroups of a workgroup along rows and along columns, and matrices of a subgroup along each. */
const SIDE = 2;
/** Matrices of a slice along the depth. */
const DEEP = 2;

/** What a workgroup computes at a time. */
interface Block {
  readonly height: number;
  readonly width: number;
  readonly depth: number;
  readonly threads: number;
  /** Bytes of workgroup memory: both slices, and a matrix of sums of each subgroup. */
  readonly bytes: number;
}

function blockOf({ m, n, k, subgroupSize }: SubgroupMatrix): Block {
  const height = SIDE * SIDE * m, width = SIDE * SIDE * n, depth = DEEP * k;
  return {
    height,
    width,
    depth,
    threads: SIDE * SIDE * subgroupSize,
    bytes: 2 * depth * (height + width) + 4 * SIDE * SIDE * m * n,
  };
}

/** Products of float16 on devices with such matrices. There is no rule for it: it was measured nowhere. */
export const SUBGROUP_MATRIX_GEMM: KernelFamily<GemmProblem> = {
  name: "GEMM by subgroup matrices",
  version: 1,
  supports({ k, float16 = false }, { limits, subgroups, float16: hasFloat16, subgroupMatrix }) {
    if (!float16 || !hasFloat16 || !subgroups || subgroupMatrix === undefined) return false;
    const { bytes, threads, depth } = blockOf(subgroupMatrix);
    return threads <= limits.maxComputeInvocationsPerWorkgroup && bytes <= limits.maxComputeWorkgroupStorageSize &&
      k / depth <= MAX_ITERATIONS;
  },
  configurations: () => [{}],
  nameOf: () => "GEMM by subgroup matrices",
  emit: (problem, _configuration, device) => ({ kernels: [matrixKernel(problem, device)] }),
};

/** WGSL that stages a slice; adjacent threads read adjacent elements of the operand, along `major` or across it. */
function stageWgsl(
  operand: "a" | "b",
  [rows, columns]: readonly [number, number],
  [rowStride, columnStride]: readonly [number, number],
  first: readonly [row: string, column: string],
  extents: readonly [rows: number, columns: number],
  threads: number,
): string {
  const acrossRows = columnStride !== 1 && rowStride === 1, slice = `slice${operand.toUpperCase()}`;
  const [row, column] = acrossRows ? [`i % ${rows}u`, `i / ${rows}u`] : [`i / ${columns}u`, `i % ${columns}u`];
  const origin = operand === "b" ? "origin + " : "";
  return `for (var i = lane; i < ${rows * columns}u; i += ${threads}u) {
      let row = ${row}; let column = ${column};
      let atRow = ${first[0]} + row; let atColumn = ${first[1]} + column;
      let inside = (atRow < ${extents[0]}u) & (atColumn < ${extents[1]}u);
      let index = min(atRow, ${extents[0] - 1}u) * ${rowStride}u + min(atColumn, ${extents[1] - 1}u) * ${columnStride}u;
      ${slice}[row * ${columns}u + column] = select(f16(), f16(${operand}[${origin}index]), inside);
    }`;
}

function matrixKernel(problem: GemmProblem, { limits, subgroupMatrix }: DeviceAbilities): WebGpuKernel {
  const { m, n, k, a, b, batch = 1, bias, epilogue } = problem, matrix = subgroupMatrix!;
  const { height, width, depth, threads } = blockOf(matrix), subgroups = SIDE * SIDE, size = matrix.m * matrix.n;
  const down = Math.ceil(m / height), wide = Math.ceil(n / width), blocks = down * wide * batch;
  const x = Math.min(blocks, limits.maxComputeWorkgroupsPerDimension), each = range(SIDE);
  const pairs = each.flatMap((i) => each.map((j) => [i, j] as const));
  const multiply = range(DEEP).map((d) =>
    `{
      ${
      each.map((i) =>
        `let left${i} = subgroupMatrixLoad<Left, row_major>(&sliceA, (ownRow + ${i * matrix.m}u) * ${depth}u + ${
          d * matrix.k
        }u, ${depth}u);`
      ).join("\n      ")
    }
      ${
      each.map((j) =>
        `let right${j} = subgroupMatrixLoad<Right, row_major>(&sliceB, ${d * matrix.k * width}u + ownColumn + ${
          j * matrix.n
        }u, ${width}u);`
      ).join("\n      ")
    }
      ${
      pairs.map(([i, j]) => `sum${i}${j} = subgroupMatrixMultiplyAccumulate(left${i}, right${j}, sum${i}${j});`).join(
        "\n      ",
      )
    }
    }`
  ).join("\n    ");
  const addend = bias === undefined ? "" : ` + bias[${bias.of === "row" ? "row" : "column"}]`;
  const finished = epilogue === undefined ? "value" : epilogue.apply("value", "position", 1);
  // The subgroups have a matrix of sums in workgroup memory each, which all threads store together.
  const store = pairs.map(([i, j]) =>
    `subgroupMatrixStore<row_major>(&sums, subgroup * ${size}u, sum${i}${j}, ${matrix.n}u);
  workgroupBarrier();
  for (var i = lane; i < ${subgroups * size}u; i += ${threads}u) {
    let owner = i / ${size}u; let element = i % ${size}u;
    let row = firstRow + owner / ${SIDE}u * ${SIDE * matrix.m}u + ${i * matrix.m}u + element / ${matrix.n}u;
    let column = firstColumn + owner % ${SIDE}u * ${SIDE * matrix.n}u + ${j * matrix.n}u + element % ${matrix.n}u;
    if ((row < ${m}u) & (column < ${n}u)) {
      let value = sums[i]${addend};
      let position = (product * ${m}u + row) * ${n}u + column;
      c[position] = ${finished};
    }
  }
  workgroupBarrier();`
  ).join("\n  ");
  const stageA = stageWgsl("a", [height, depth], a, ["firstRow", "s"], [m, k], threads);
  const stageB = stageWgsl("b", [depth, width], b, ["s", "firstColumn"], [k, n], threads);
  return {
    wgsl: `alias Left = subgroup_matrix_left<f16, ${matrix.k}, ${matrix.m}>;
alias Right = subgroup_matrix_right<f16, ${matrix.n}, ${matrix.k}>;
alias Sums = subgroup_matrix_result<f32, ${matrix.n}, ${matrix.m}>;
var<workgroup> sliceA: array<f16, ${height * depth}>;
var<workgroup> sliceB: array<f16, ${depth * width}>;
var<workgroup> sums: array<f32, ${subgroups * size}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32, @builtin(subgroup_id) subgroup: u32) {
  var block = id.y * groups.x + id.x;
  if (block >= ${blocks}u) { return; }
  let firstRow = block % ${down}u * ${height}u; block /= ${down}u;
  let firstColumn = block % ${wide}u * ${width}u;
  let product = block / ${wide}u;
  let origin = product * ${n * k}u;
  let ownRow = subgroup / ${SIDE}u * ${SIDE * matrix.m}u;
  let ownColumn = subgroup % ${SIDE}u * ${SIDE * matrix.n}u;
  ${pairs.map(([i, j]) => `var sum${i}${j} = Sums();`).join(" ")}
  for (var s = 0u; s < ${k}u; s += ${depth}u) {
    ${stageA}
    ${stageB}
    workgroupBarrier();
    ${multiply}
    workgroupBarrier();
  }
  ${store}
}`,
    bindings: scalarBindings(problem),
    workgroups: [x, Math.ceil(blocks / x), 1],
  };
}
