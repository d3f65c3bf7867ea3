/** Products of several matrices, and of matrices that lie either way, in workgroup memory, against float64. */

import { bytesMoved, checkOp, f32, implement, type Op, registerOp } from "../core/mod.ts";
import { WORKGROUP_GEMM } from "../kernels/mod.ts";
import { ALL } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";

/** Whether the rows of A, and of each B, lie side by side: its other side does else. */
type Layout = { readonly a: boolean; readonly b: boolean };

const SHAPES = [[2, 5, 7, 9], [3, 33, 20, 36], [2, 64, 64, 32]];
const LAYOUTS: readonly Layout[] = [{ a: true, b: true }, { a: true, b: false }, { a: false, b: true }, {
  a: false,
  b: false,
}];

/** C [batch, m, n] of A [m, k] and B [batch, k, n], each maybe transposed. */
const products: Op<Layout> = registerOp<Layout>({
  name: "products",
  attributes: { a: true, b: true },
  infer([a, b], layout) {
    const [m, n] = [a.shape[layout.a ? 0 : 1], b.shape[layout.b ? 2 : 1]];
    return [f32([b.shape[0], m, n])];
  },
  reference({ inputs: [a], outputs: [{ shape: [batch, m, n] }], attributes: layout }) {
    const k = a.shape[layout.a ? 1 : 0];
    return ([a, b, c]) => {
      for (let i = 0; i < batch * m * n; i++) {
        const matrix = Math.floor(i / (m * n)), row = Math.floor(i / n) % m, column = i % n;
        c[i] = 0;
        for (let p = 0; p < k; p++) {
          const inB = layout.b ? p * n + column : column * k + p;
          c[i] += a[layout.a ? row * k + p : p * m + row] * b[matrix * k * n + inB];
        }
      }
    };
  },
  webgpu({ inputs: [a], outputs: [{ shape: [batch, m, n] }], attributes: layout }) {
    const k = a.shape[layout.a ? 1 : 0], buffers = { a: 0, b: 1, c: 2 };
    const strides = {
      a: layout.a ? [k, 1] as const : [1, m] as const,
      b: layout.b ? [n, 1] as const : [1, k] as const,
    };
    return implement({ m, n, k, batch, buffers, ...strides }, [WORKGROUP_GEMM]);
  },
  cost: (spec) => ({ flops: 0, bytes: bytesMoved(spec) }),
  samples: () =>
    SHAPES.flatMap(([batch, m, n, k]) =>
      LAYOUTS.map((attributes) => ({
        inputs: [f32(attributes.a ? [m, k] : [k, m]), f32([batch, ...(attributes.b ? [k, n] : [n, k])])],
        attributes,
      }))
    ),
  badSamples: () => [],
});

gpuTest("products of several matrices that lie either way conform on WebGPU", async (backend, t) => {
  const variants = ALL ? "all" : "covering";
  await checkOp(products, { backends: [backend], seed: 4, variants, step: (name, run) => t.step(name, run) });
});
