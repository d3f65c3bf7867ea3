/**
 * What updates of a parameter share: in-place ops over the parameter, states of its shape, its gradient and the rate. Under
 * mixed precision, a factor that the gradient is multiplied by comes last; where it is 0, nothing changes.
 */

import {
  type Attributes,
  bytesMoved,
  type CpuArgument,
  type CpuKernelName,
  elementCount,
  elementKernel,
  expectSpec,
  f32,
  type NumericArray,
  oneWay,
  type Op,
  type Random,
  registerOp,
  type Sample,
  type Shape,
  ShapeError,
} from "../core/mod.ts";
import { elementwiseStages } from "../kernels/mod.ts";
import { scaledSamples } from "./_scaled_gradient.ts";

/** The update of a parameter: what its op computes, and by which cases it is checked. */
export interface ParameterUpdate<A extends Attributes> {
  /** The op's name. */
  readonly name: string;
  /** The attributes by default. */
  readonly attributes: A;
  /** The states, by the name of the argument: what its buffer is called in the kernel's text. */
  readonly states: Readonly<Record<string, string>>;
  /** What comes after the rate, by name: what its buffer is called, and its shape. Defaults to nothing. */
  readonly others?: Readonly<Record<string, readonly [symbol: string, shape: Shape]>>;
  /** Throws if an attribute makes no sense. */
  readonly check?: (attributes: A) => void;
  /**
   * Updates element `i` of the parameter and the states by its gradient.
   *
   * @param buffers The parameter, the states, the gradient before it is scaled, the rate, and the others.
   */
  readonly element: (attributes: A, buffers: readonly NumericArray[], gradient: number, i: number) => void;
  /** What is added to the gradient at first, as WGSL. Defaults to nothing. */
  readonly addend?: (attributes: A) => string;
  /** WGSL that updates element `i` of `p` and the states by `gradient` and `rate[0]`. */
  readonly body: (attributes: A) => string;
  /** Whether a thread updates four elements. */
  readonly vectors: boolean;
  /** The WebAssembly kernel, which takes all buffers but a factor, and its other arguments. */
  readonly kernel: CpuKernelName;
  /** Those arguments, after the number of elements. */
  readonly kernelArguments: (attributes: A) => readonly CpuArgument[];
  /** Floating-point operations of an element. */
  readonly flops: number;
  /** The attributes by which it is checked, beside the defaults. */
  readonly cases: readonly Partial<A>[];
  /** Changes random inputs to what the op takes. */
  readonly fill?: (arrays: readonly NumericArray[], random: Random) => void;
  /** Attributes that must be refused, and a part of the message. */
  readonly refused: readonly (readonly [attributes: Partial<A>, message: string])[];
}

/** Leaves everything as it is where the factor is 0, for any gradient: also one of infinities, whose product would be NaN. */
export const SKIP_WITHOUT_FACTOR = "if (factor[0] == 0.0) { return; }\n  ";

/** Expects a term that keeps a divisor from 0 to be above it. */
export function expectEpsilon(op: string, epsilon: number): void {
  if (!(epsilon > 0)) throw new ShapeError(`${op}: expected epsilon to be above 0 but it is ${epsilon}`);
}

/** Registers the op of an update. Its inputs are the parameter, the states, the gradient, the rate, the others, the factor. */
export function registerUpdate<A extends Attributes>(update: ParameterUpdate<A>): Op<A> {
  const { name, states, others = {}, vectors } = update, stateNames = Object.keys(states);
  const gradientIndex = 1 + stateNames.length, rateIndex = gradientIndex + 1;
  const factorIndex = rateIndex + 1 + Object.keys(others).length;
  const otherShapes = Object.entries(others).map(([other, [, shape]]) => [other, shape] as const);
  const symbols = [
    "p",
    ...Object.values(states),
    "g",
    "rate",
    ...Object.values(others).map(([symbol]) => symbol),
    "factor",
  ];

  const run = (attributes: A, buffers: readonly NumericArray[]) => {
    const unscale = buffers[factorIndex]?.[0] ?? 1, gradient = buffers[gradientIndex];
    if (unscale === 0) return;
    for (let i = 0; i < gradient.length; i++) update.element(attributes, buffers, unscale * gradient[i], i);
  };
  const specsOf = (shape: Shape) => [
    ...Array.from({ length: rateIndex }, () => f32(shape)),
    f32([]),
    ...otherShapes.map(([, shape]) => f32(shape)),
  ];

  return registerOp<A>({
    name,
    attributes: update.attributes,
    updates: Array.from({ length: gradientIndex }, (_, index) => index),
    infer(inputs, attributes) {
      const { shape } = inputs[0];
      [...stateNames, "gradient"].forEach((input, k) => expectSpec(name, input, inputs[1 + k], shape));
      [["learningRate", []] as const, ...otherShapes].forEach(([input, shape], k) =>
        expectSpec(name, input, inputs[rateIndex + k], shape)
      );
      if (inputs[factorIndex] !== undefined) expectSpec(name, "factor", inputs[factorIndex], []);
      update.check?.(attributes);
      return [];
    },
    reference: ({ attributes }) => (buffers) => run(attributes, buffers),
    cpu({ attributes, inputs }) {
      // Mixed precision, which a factor is for, is WebGPU's.
      if (inputs.length > factorIndex) return { stages: [{ tasks: 1, run: (buffers) => run(attributes, buffers) }] };
      const { kernel, kernelArguments } = update;
      return elementwiseStages(kernel, factorIndex, elementCount(inputs[0].shape), kernelArguments(attributes));
    },
    webgpu({ attributes, inputs }) {
      const scaled = inputs.length > factorIndex, count = elementCount(inputs[0].shape) / (vectors ? 4 : 1);
      const gradient = `let gradient = ${scaled ? "factor[0] * " : ""}g[i]${update.addend?.(attributes) ?? ""};\n  `;
      const body = (scaled ? SKIP_WITHOUT_FACTOR : "") + gradient + update.body(attributes);
      const bindings = symbols.slice(0, inputs.length).map((symbol, index) => ({
        name: symbol,
        index,
        ...(index < gradientIndex || !vectors ? { write: index < gradientIndex } : {}),
        ...(vectors && index <= gradientIndex ? { vector: true } : {}),
      }));
      const elements = { count: Math.ceil(count), body, ...(vectors ? {} : { iterations: 1 }) };
      return oneWay(vectors ? "vectors" : "elementwise", ({ limits }) => [elementKernel(elements, bindings, limits)]);
    },
    cost: (spec) => ({ flops: update.flops * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
    samples: () =>
      update.cases.flatMap((attributes) =>
        [[1], [13], [4, 3, 3, 3], [5, 3347]].flatMap((shape) => {
          const inputs = specsOf(shape), samples: Sample[] = [{ inputs }, ...scaledSamples(inputs, gradientIndex)];
          return samples.map((sample) => ({
            inputs: sample.inputs,
            attributes,
            fill(arrays: readonly NumericArray[], random: Random) {
              sample.fill?.(arrays, random);
              update.fill?.(arrays, random);
            },
          }));
        })
      ),
    badSamples() {
      const right = specsOf([2]), scaled = [...right, f32([])];
      const names = [...stateNames, "gradient", "learningRate", ...Object.keys(others), "factor"];
      return [
        ...names.map((input, k) => {
          const { shape } = scaled[1 + k], wrong = shape.length === 0 ? [1] : [3];
          return {
            inputs: (input === "factor" ? scaled : right).with(1 + k, f32(wrong)),
            message: `expected ${input} to be f32 [${shape}]`,
          };
        }),
        ...update.refused.map(([attributes, message]) => ({ inputs: right, attributes, message })),
      ];
    },
  });
}
