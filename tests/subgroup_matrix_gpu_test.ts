/**
 * Products by subgroup matrices, on adapters that have none: the matrices and what is done with them are written in plain WGSL,
 * for subgroups of one thread. So all else of the kernel is held to float64: stages, edges, strides, bias and epilogue.
 */

import { assert } from "@std/assert";
import {
  checkOp,
  type DeviceAbilities,
  type KernelSequence,
  listOps,
  oneWay,
  type Op,
  type OpSpec,
  type SubgroupMatrix,
} from "../core/mod.ts";
import "../ops/mod.ts";
import { gpuTest } from "./_gpu.ts";

/** Of sizes that differ, so that no two can be mistaken; small, since lavapipe unrolls what is done with arrays. */
const MATRIX: SubgroupMatrix = { m: 4, n: 2, k: 3, subgroupSize: 1 };

/** The ops that have such products, and the shapes of their first inputs that are tried: within a block, and beyond several. */
const OPS: readonly [op: string, samples: (shape: readonly number[]) => boolean][] = [
  ["linear", ([rows]) => [3, 17].includes(rows)],
  ["linearInputGradient", ([rows]) => [3, 17].includes(rows)],
  ["linearWeightGradient", ([rows]) => [3, 17].includes(rows)],
  ["conv2d", () => true],
  ["conv2dInputGradient", () => true],
  ["conv2dFused", () => true],
];

/** Plain WGSL of the matrices: arrays of a thread, and the functions that texts call. */
function emulate(wgsl: string, { m, n, k }: SubgroupMatrix): string {
  const load = (memory: string, name: string, rows: number, columns: number) =>
    `fn load${memory}(offset: u32, stride: u32) -> ${name} {
  var matrix: ${name};
  for (var i = 0u; i < ${rows * columns}u; i++) {
    matrix[i] = slice${memory}[offset + i / ${columns}u * stride + i % ${columns}u];
  }
  return matrix;
}`;
  return `${
    wgsl.replace(/subgroup_matrix_left<f16, (\d+), (\d+)>/, (_all, c, r) => `array<f16, ${c * r}>`)
      .replace(/subgroup_matrix_right<f16, (\d+), (\d+)>/, (_all, c, r) => `array<f16, ${c * r}>`)
      .replace(/subgroup_matrix_result<f32, (\d+), (\d+)>/, (_all, c, r) => `array<f32, ${c * r}>`)
      .replace(/, @builtin\(subgroup_id\) subgroup: u32\) \{/, ") {\n  let subgroup = lane;")
      .replace(/subgroupMatrixLoad<Left, row_major>\(&sliceA, /g, "loadA(")
      .replace(/subgroupMatrixLoad<Right, row_major>\(&sliceB, /g, "loadB(")
      .replaceAll("subgroupMatrixMultiplyAccumulate(", "multiplyAdd(")
      .replaceAll("subgroupMatrixStore<row_major>(&sums, ", "storeSums(")
  }
${load("A", "Left", m, k)}
${load("B", "Right", k, n)}
fn multiplyAdd(left_: Left, right_: Right, before: Sums) -> Sums {
  var a = left_; var b = right_; var total = before;
  for (var i = 0u; i < ${m * n}u; i++) {
    for (var p = 0u; p < ${k}u; p++) {
      total[i] += f32(a[i / ${n}u * ${k}u + p]) * f32(b[p * ${n}u + i % ${n}u]);
    }
  }
  return total;
}
fn storeSums(offset: u32, matrix: Sums, stride: u32) {
  var all = matrix;
  for (var i = 0u; i < ${m * n}u; i++) { sums[offset + i / ${n}u * stride + i % ${n}u] = all[i]; }
}`;
}

/** The op with nothing but the products of float16, emulated. */
function emulated(op: Op, samples: (shape: readonly number[]) => boolean): Op {
  const products = (spec: OpSpec, device: DeviceAbilities) =>
    op.webgpu!(spec).variants({ ...device, subgroups: true, subgroupMatrix: MATRIX })
      .filter(({ family }) => family === "GEMM by subgroup matrices");
  return {
    ...op,
    samples: () => op.samples().filter(({ inputs: [{ shape }] }) => samples(shape)),
    webgpu: (spec) => ({
      rules: [],
      variants(device) {
        const [product] = products(spec, device);
        if (product === undefined) return op.webgpu!(spec).variants(device).slice(0, 1);
        return oneWay("emulated", (): KernelSequence => ({
          kernels: product.kernels.map((kernel) => ({ ...kernel, wgsl: emulate(kernel.wgsl, MATRIX) })),
        })).variants(device);
      },
    }),
  };
}

for (const [name, samples] of OPS) {
  gpuTest(
    `products of ${name} by subgroup matrices agree with float64 where the matrices are emulated`,
    async (backend, t) => {
      if (!backend.hasFloat16) return;
      const op = emulated(listOps().find((each) => each.name === name)!, samples);
      let products = 0;
      await checkOp(op, {
        backends: [backend],
        seed: 5,
        rules: false,
        async step(label, run) {
          if (!label.endsWith("emulated") && !label.endsWith("shapes and cost")) return;
          if (label.endsWith("emulated")) products++;
          await t.step(label, run);
        },
      });
      assert(products > 1, `${products} products`);
    },
  );
}
