/**
 * Subgroup matrices, Chromium's experimental extension of WebGPU (tensor cores, matrix cores): whether a device has one that
 * kernels can use, and the check that it multiplies rightly.
 */

import { DeviceError } from "../util/errors.ts";
import { f16, f32 } from "../graph/shape.ts";
import type { WebGpuBackend } from "./backend.ts";
import { runKnownAnswer } from "./known_answer.ts";
import type { SubgroupMatrix } from "./tuning/device_profile.ts";

/** The name of the feature. Dawn offers it where its toggle `allow_unsafe_apis` is on. */
export const SUBGROUP_MATRIX_FEATURE = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

/** A configuration as an adapter reports it. */
export interface ReportedMatrix {
  /** The type of the factors' elements. */
  readonly componentType: string;
  /** The type of the product's. */
  readonly resultComponentType: string;
  /** Rows of the product. */
  readonly M: number;
  /** Columns of the product. */
  readonly N: number;
  /** Columns of the first factor. */
  readonly K: number;
}

/** What adapters report beyond the standard, and what their types do not list yet. */
interface SubgroupInfo {
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
  readonly subgroupMatrixConfigs?: readonly ReportedMatrix[];
}

/** The sizes of an adapter's subgroups: the least and the most threads. Nothing where it does not tell. */
export function subgroupSizes({ info }: Pick<GPUAdapter, "info">): readonly [least: number, most: number] | undefined {
  const { subgroupMinSize: least, subgroupMaxSize: most } = info as SubgroupInfo;
  return least === undefined || most === undefined ? undefined : [least, most];
}

/** The configurations of subgroup matrices that an adapter reports; none where it has no such matrices. */
export function subgroupMatrices({ info }: Pick<GPUAdapter, "info">): readonly ReportedMatrix[] {
  return [...(info as SubgroupInfo).subgroupMatrixConfigs ?? []];
}

/**
 * The matrices that kernels use: of float16 with sums in float32, the largest product. Only of subgroups that all have one
 * size, which says how many share a workgroup.
 */
export function usableMatrix(adapter: Pick<GPUAdapter, "info" | "features">): SubgroupMatrix | undefined {
  const sizes = subgroupSizes(adapter);
  if (!adapter.features.has(SUBGROUP_MATRIX_FEATURE) || sizes === undefined || sizes[0] !== sizes[1]) return undefined;
  const [best] = subgroupMatrices(adapter)
    .filter(({ componentType, resultComponentType }) => componentType === "f16" && resultComponentType === "f32")
    .sort((a, b) => b.M * b.N * b.K - a.M * a.N * a.K);
  return best && { m: best.M, n: best.N, k: best.K, subgroupSize: sizes[0] };
}

/** Subgroups of a workgroup that is checked, as kernels have. */
const SUBGROUPS = 4;

/** WGSL of the check: each subgroup adds A·B up once more than the one before, in a matrix of its own. */
export function matrixCheckText({ m, n, k, subgroupSize }: SubgroupMatrix): string {
  return `var<workgroup> left: array<f16, ${m * k}>;
var<workgroup> right: array<f16, ${k * n}>;
@compute @workgroup_size(${SUBGROUPS * subgroupSize})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(subgroup_id) subgroup: u32) {
  for (var i = lane; i < ${m * k}u; i += ${SUBGROUPS * subgroupSize}u) { left[i] = f16(x[i]); }
  for (var i = lane; i < ${k * n}u; i += ${SUBGROUPS * subgroupSize}u) { right[i] = f16(x[${m * k}u + i]); }
  workgroupBarrier();
  let a = subgroupMatrixLoad<subgroup_matrix_left<f16, ${k}, ${m}>, row_major>(&left, 0u, ${k}u);
  let b = subgroupMatrixLoad<subgroup_matrix_right<f16, ${n}, ${k}>, row_major>(&right, 0u, ${n}u);
  var sum = subgroup_matrix_result<f32, ${n}, ${m}>();
  for (var times = 0u; times <= subgroup; times++) { sum = subgroupMatrixMultiplyAccumulate(a, b, sum); }
  subgroupMatrixStore<row_major>(&y, subgroup * ${m * n}u, sum, ${n}u);
}`;
}

/**
 * Multiplies integers, whose sums need more bits than float16 has.
 *
 * @returns The first error, as the rest of a sentence about the adapter; nothing if all results are right.
 */
export async function findSubgroupMatrixProblem(
  backend: WebGpuBackend,
  matrix: SubgroupMatrix,
): Promise<string | undefined> {
  const { m, n, k } = matrix, data = Array.from({ length: m * k + k * n }, (_, i) => (i * 29 + 7) % 61 + i % 3);
  const expected = (subgroup: number, row: number, column: number) => {
    let sum = 0;
    for (let p = 0; p < k; p++) sum += data[row * k + p] * data[m * k + p * n + column];
    return (subgroup + 1) * sum;
  };
  try {
    const results = await runKnownAnswer(backend, {
      label: "the check of subgroup matrices",
      wgsl: matrixCheckText(matrix),
      from: f16([data.length]),
      to: f32([SUBGROUPS * m * n]),
      data,
    });
    for (let i = 0; i < SUBGROUPS * m * n; i++) {
      const right = expected(Math.floor(i / (m * n)), Math.floor(i / n) % m, i % n);
      if (results[i] !== right) {
        return `gets subgroup matrices wrong: element ${i % (m * n)} of a product was ${
          results[i]
        } where ${right} was expected`;
      }
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return `does not run a kernel with subgroup matrices (${error.message})`;
  }
}
