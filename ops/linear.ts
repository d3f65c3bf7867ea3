/** A fully connected layer and its gradients: one matrix product with different strides. */

import {
  bytesMoved,
  elementKernel,
  expectSpec,
  f32,
  type Implementation,
  implementVariants,
  type MarkedVariant,
  type Op,
  type OpSpec,
  registerOp,
  ShapeError,
  type WebGpuLimits,
} from "../core/mod.ts";
import { type Gemm, gemmStages, gemmVariants, isLongSum, rowSums } from "../kernels/mod.ts";
import { channelSum } from "./channel_sum.ts";

/** Output columns of a thread, which share each loaded element of A. */
const COLUMNS = 4;

function productKernelsOf(gemm: Gemm): Implementation {
  const { m, n, k, a, b, bias } = gemm;
  if (isLongSum(k)) {
    const element = `a[row / ${n}u * ${a[0]}u + k * ${a[1]}u] * b[k * ${b[0]}u + row % ${n}u * ${b[1]}u]`;
    const names = ["a", "b", ...(bias ? ["bias"] : [])], finish = bias ? `sum + bias[row % ${n}u]` : "sum";
    const buffers = names.map((name, index) => ({ name, index }));
    return rowSums(m * n, k, { element, finish, buffers, output: names.length });
  }
  return implementVariants((limits) => productVariants(gemm, limits));
}

function productVariants({ m, n, k, a, b, bias }: Gemm, limits: WebGpuLimits): MarkedVariant[] {
  const plain = [...new Set([Math.min(COLUMNS, n), 1])].map((columns) => {
    const tiles = Math.ceil(n / columns), list = [...Array(columns).keys()];
    const column = (c: number) => n % columns === 0 ? `first + ${c}u` : `min(first + ${c}u, ${n - 1}u)`;
    const body = `let row = i / ${tiles}u; let first = i % ${tiles}u * ${columns}u;
  ${list.map((c) => `var sum${c} = ${bias ? `bias[${column(c)}]` : "0.0"};`).join(" ")}
  for (var p = 0u; p < ${k}u; p++) {
    let v = a[row * ${a[0]}u + p * ${a[1]}u];
    ${list.map((c) => `sum${c} += v * b[p * ${b[0]}u + (${column(c)}) * ${b[1]}u];`).join(" ")}
  }
  ${
      list.map((c) =>
        `${n % columns ? `if (first + ${c}u < ${n}u) ` : ""}{ y[row * ${n}u + first + ${c}u] = sum${c}; }`
      ).join("\n  ")
    }`;
    return {
      name: `${columns} columns`,
      kernels: [elementKernel(
        { count: m * tiles, body, iterations: k },
        [
          { name: "a", index: 0 },
          { name: "b", index: 1 },
          ...(bias ? [{ name: "bias", index: 2 }] : []),
          { name: "y", index: bias ? 3 : 2, write: true },
        ],
        limits,
      )],
    };
  });
  const buffers = { a: 0, b: 1, c: bias ? 3 : 2 };
  const columnBias = bias ? { buffer: 2, of: "column" as const } : undefined;
  return [...plain, ...gemmVariants({ m, n, k, a, b, buffers, bias: columnBias }, limits)];
}

/** The kernels of a product on every backend. */
function productKernels(productOf: (spec: OpSpec) => Gemm): Pick<Op, "reference" | "cpu" | "webgpu" | "cost"> {
  return {
    reference(spec) {
      const { m, n, k, a: [ar, ac], b: [br, bc], bias } = productOf(spec);
      return (buffers) => {
        const [a, b] = buffers, y = buffers[buffers.length - 1];
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let sum = bias ? buffers[2][j] : 0;
            for (let p = 0; p < k; p++) sum += a[i * ar + p * ac] * b[p * br + j * bc];
            y[i * n + j] = sum;
          }
        }
      };
    },
    cpu: (spec) => gemmStages(productOf(spec)),
    webgpu: (spec) => productKernelsOf(productOf(spec)),
    cost(spec) {
      const { m, n, k } = productOf(spec);
      return { flops: 2 * m * n * k, bytes: bytesMoved(spec) };
    },
  };
}

const CASES = [[1, 1, 1], [3, 7, 5], [5, 64, 10], [2, 13, 100], [17, 33, 9], [71, 68, 76]];

/** The gradient of a linear layer's input. Inputs: `outputGradient` [N, O], `weight` [O, K]. Output: [N, K]. */
export const linearInputGradient: Op = registerOp({
  name: "linearInputGradient",
  attributes: {},
  half: () => [0, 1],
  castsToFloat16: true,
  infer([outputGradient, weight]) {
    expectSpec("linearInputGradient", "outputGradient", outputGradient, ["N", "O"], "float");
    expectSpec("linearInputGradient", "weight", weight, [outputGradient.shape[1], "K"], outputGradient.dtype);
    return [{ ...outputGradient, shape: [outputGradient.shape[0], weight.shape[1]] }];
  },
  ...productKernels(({ inputs: [{ shape: [m, k] }, { shape: [, n] }] }) => ({ m, n, k, a: [k, 1], b: [n, 1] })),
  samples: () => CASES.map(([n, k, o]) => ({ inputs: [f32([n, o]), f32([o, k])] })),
  badSamples: () => [{ inputs: [f32([2, 3]), f32([4, 5])], message: "expected weight to be f32 [3, K]" }],
});

/** The gradient of a linear layer's weight. Inputs: `outputGradient` [N, O], `input` [N, K]. Output: [O, K], f32. */
export const linearWeightGradient: Op = registerOp({
  name: "linearWeightGradient",
  attributes: {},
  half: () => [0, 1],
  castsToFloat16: true,
  infer([outputGradient, input]) {
    expectSpec("linearWeightGradient", "outputGradient", outputGradient, ["N", "O"], "float");
    expectSpec("linearWeightGradient", "input", input, [outputGradient.shape[0], "K"], outputGradient.dtype);
    return [f32([outputGradient.shape[1], input.shape[1]])];
  },
  ...productKernels(({ inputs: [{ shape: [k, m] }, { shape: [, n] }] }) => ({ m, n, k, a: [1, m], b: [n, 1] })),
  samples: () => CASES.map(([n, k, o]) => ({ inputs: [f32([n, o]), f32([n, k])] })),
  badSamples: () => [{ inputs: [f32([2, 3]), f32([4, 5])], message: "expected input to be f32 [2, K]" }],
});

/**
 * y = x wᵀ + bias, as `torch.nn.Linear`. Inputs: `input` [N, K], `weight` [O, K], and optionally `bias` [O], f32. Output: [N, O],
 * f32 even if the inputs are f16, since a loss reads it.
 */
export const linear: Op = registerOp({
  name: "linear",
  attributes: {},
  half: () => [0, 1],
  castsToFloat16: true,
  infer(inputs) {
    const [input, weight, bias] = inputs;
    expectSpec("linear", "input", input, ["N", "K"], "float");
    expectSpec("linear", "weight", weight, ["O", input.shape[1]], input.dtype);
    if (inputs.length > 2) expectSpec("linear", "bias", bias, [weight.shape[0]]);
    if (inputs.length > 3) {
      throw new ShapeError(`linear: expected input, weight and maybe a bias but ${inputs.length} inputs came`);
    }
    return [f32([input.shape[0], weight.shape[0]])];
  },
  gradient(graph, { arguments: [input, weight, bias] }, [outputGradient]) {
    return [
      ...linearInputGradient.apply(graph, [outputGradient!, weight]),
      ...linearWeightGradient.apply(graph, [outputGradient!, input]),
      ...(bias === undefined ? [] : channelSum.apply(graph, [outputGradient!])),
    ];
  },
  ...productKernels(({ inputs: [{ shape: [m, k] }, { shape: [n] }, bias] }) => ({
    m,
    n,
    k,
    a: [k, 1],
    b: [1, k],
    bias: bias !== undefined,
  })),
  samples: () =>
    CASES.map(([n, k, o], index) => ({ inputs: [f32([n, k]), f32([o, k]), ...(index % 2 === 0 ? [f32([o])] : [])] })),
  badSamples: () => [
    { inputs: [f32([2, 3]), f32([4, 5])], message: "expected weight to be f32 [O, 3]" },
    { inputs: [f32([2, 3]), f32([4, 3]), f32([3])], message: "expected bias to be f32 [4]" },
  ],
});
