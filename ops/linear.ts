/** A fully connected layer and its gradients: one matrix product with different strides. */

import {
  bytesMoved,
  expectSpec,
  f32,
  type Implementation,
  isFloat16,
  type Op,
  type OpSpec,
  registerOp,
  ShapeError,
} from "../core/mod.ts";
import { gemm, type GemmProblem, gemmStages, isLongSum, rowSums } from "../kernels/mod.ts";
import { channelSum } from "./channel_sum.ts";

/** The extents and strides of a product, as {@link GemmProblem}, of the op's first two inputs, and maybe a bias as its third. */
type Product = Pick<GemmProblem, "m" | "n" | "k" | "a" | "b"> & { readonly bias?: boolean };

function problemOf({ bias = false, ...product }: Product): GemmProblem {
  const buffers = { a: 0, b: 1, c: bias ? 3 : 2 };
  return bias ? { ...product, buffers, bias: { buffer: 2, of: "column" } } : { ...product, buffers };
}

/** A product of so great a depth that its sums are split. */
function longSums({ m, n, k, a, b, buffers, bias }: GemmProblem): Implementation {
  return rowSums(m * n, k, {
    element: `a[row / ${n}u * ${a[0]}u + k * ${a[1]}u] * b[k * ${b[0]}u + row % ${n}u * ${b[1]}u]`,
    finish: bias ? `sum + bias[row % ${n}u]` : "sum",
    buffers: [
      { name: "a", index: buffers.a },
      { name: "b", index: buffers.b },
      ...(bias ? [{ name: "bias", index: bias.buffer }] : []),
    ],
    output: buffers.c,
  });
}

/** The kernels of a product on every backend. */
function productKernels(productOf: (spec: OpSpec) => Product): Pick<Op, "reference" | "cpu" | "webgpu" | "cost"> {
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
    cpu: (spec) => gemmStages(problemOf(productOf(spec))),
    webgpu(spec) {
      const float16 = spec.inputs.slice(0, 2).every(isFloat16), problem = { ...problemOf(productOf(spec)), float16 };
      return isLongSum(problem.k) ? longSums(problem) : gemm(problem);
    },
    cost(spec) {
      const { m, n, k } = productOf(spec);
      return { flops: 2 * m * n * k, bytes: bytesMoved(spec) };
    },
  };
}

const CASES = [[1, 1, 1], [3, 7, 5], [5, 64, 10], [2, 13, 100], [17, 33, 9], [71, 68, 76], [4, 259, 131]];

/** The gradient of a linear layer's input. Inputs: `outputGradient` [N, O], `weight` [O, K]. Output: [N, K]. */
export const linearInputGradient: Op = registerOp({
  name: "linearInputGradient",
  attributes: {},
  float16Inputs: () => [0, 1],
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
  float16Inputs: () => [0, 1],
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
  float16Inputs: () => [0, 1],
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
