/** The largest element of each window, and its index, by which the gradient needs no atomics. */

import {
  bytesMoved,
  type CpuStages,
  elementCount,
  expectSpec,
  f32,
  type NumericArray,
  type Op,
  registerOp,
  u32,
} from "../core/mod.ts";
import { elementwiseKernels } from "../kernels/mod.ts";
import {
  forEachCoveringWindow,
  POOL_CASES,
  POOL_DEFAULTS,
  type PoolAttributes,
  type PoolCase,
  pooledSpec,
  type PoolGeometry,
  poolGeometry,
  type PoolGradientAttributes,
  poolStage,
  unpooledSpec,
  windowIterations,
} from "./_pool.ts";

/** The attributes of {@link maxPool2d}. Pairs are vertical, horizontal. */
export type MaxPoolAttributes = PoolAttributes & {
  /** The distance between neighbouring elements of a window. */
  readonly dilation: readonly number[];
};

/** The attributes of {@link maxPool2dGradient}. */
export type MaxPoolGradientAttributes = PoolGradientAttributes<MaxPoolAttributes>;

const DEFAULTS: MaxPoolAttributes = { ...POOL_DEFAULTS, dilation: [1, 1] };

const CASES: readonly PoolCase<MaxPoolAttributes>[] = [
  ...POOL_CASES,
  {
    input: [2, 3, 8, 11],
    attributes: { kernel: [2, 3], stride: [2, 2], padding: [1, 2, 0, 1], dilation: [2, 1], ceilMode: true },
  },
];

/** The first row (0) or column (1) of a window that is one of the input's. */
function firstInside({ stride, padding, dilation }: PoolGeometry, axis: 0 | 1, window: number): number {
  const begin = window * stride[axis] - padding[axis];
  return begin + Math.max(0, Math.ceil(-begin / dilation[axis])) * dilation[axis];
}

/** The largest element of each window, the first of equals in the order of rows, and its index in the plane. */
function maxPool(g: PoolGeometry, x: NumericArray, y: NumericArray, indices: NumericArray): void {
  for (let plane = 0; plane < g.planes; plane++) {
    for (let oy = 0; oy < g.outputHeight; oy++) {
      for (let ox = 0; ox < g.outputWidth; ox++) {
        const firstY = firstInside(g, 0, oy), endY = Math.min(g.height, oy * g.stride[0] - g.padding[0] + g.span[0]);
        const firstX = firstInside(g, 1, ox), endX = Math.min(g.width, ox * g.stride[1] - g.padding[1] + g.span[1]);
        let best = firstY * g.width + firstX;
        for (let iy = firstY; iy < endY; iy += g.dilation[0]) {
          for (let ix = firstX; ix < endX; ix += g.dilation[1]) {
            const position = iy * g.width + ix;
            const value = x[plane * g.height * g.width + position];
            if (value > x[plane * g.height * g.width + best] || value !== value) best = position;
          }
        }
        const output = (plane * g.outputHeight + oy) * g.outputWidth + ox;
        y[output] = x[plane * g.height * g.width + best];
        indices[output] = best;
      }
    }
  }
}

/**
 * The gradient of {@link maxPool2d}. Inputs: `outputGradient` [N, C, OH, OW] and `indices` of the same shape.
 * Output: [N, C, H, W].
 */
export const maxPool2dGradient: Op<MaxPoolGradientAttributes> = registerOp<MaxPoolGradientAttributes>({
  name: "maxPool2dGradient",
  attributes: { ...DEFAULTS, inputSize: [1, 1] },
  float16Inputs: () => [0],
  infer([outputGradient, indices], attributes) {
    const input = unpooledSpec("maxPool2dGradient", outputGradient, attributes);
    expectSpec("maxPool2dGradient", "indices", indices, outputGradient.shape, "u32");
    return [input];
  },
  reference({ inputs: [{ shape: output }], attributes: { inputSize } }) {
    const plane = elementCount(inputSize), outputPlane = elementCount(output.slice(2));
    return ([dy, indices, dx]) => {
      dx.fill(0);
      for (let i = 0; i < dy.length; i++) dx[Math.floor(i / outputPlane) * plane + indices[i]] += dy[i];
    };
  },
  cpu({ outputs: [{ shape }], attributes }): CpuStages {
    const g = poolGeometry("maxPool2dGradient", shape, attributes);
    return { stages: [poolStage("maxPoolGradient", [{ buffer: 0 }, { buffer: 1 }, { buffer: 2 }], g)] };
  },
  webgpu({ outputs: [{ shape }], attributes }) {
    const g = poolGeometry("maxPool2dGradient", shape, attributes);
    const iterations = windowIterations("maxPool2dGradient", g);
    const visit = `let k = (plane * ${g.outputHeight}u + wy) * ${g.outputWidth}u + wx;
      if (indices[k] == row * ${g.width}u + column) { sum += dy[k]; }`;
    const body = `var sum = 0.0;
  ${forEachCoveringWindow(g, visit)}
  dx[i] = sum;`;
    return elementwiseKernels(elementCount(shape), ["dy", "indices", "dx!"], body, iterations);
  },
  cost: (spec) => ({ flops: elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    CASES.map(({ input, attributes }) => {
      const resolved = { ...DEFAULTS, ...attributes };
      const output = pooledSpec("maxPool2d", f32(input), resolved);
      return {
        inputs: [output, u32(output.shape)],
        attributes: { ...attributes, inputSize: input.slice(2) },
        fill: ([, indices], random) => {
          const x = Float64Array.from({ length: elementCount(input) }, () => random.normal());
          maxPool(poolGeometry("maxPool2d", input, resolved), x, new Float64Array(indices.length), indices);
        },
      };
    }),
  badSamples: () => [{
    inputs: [f32([1, 1, 4, 4]), f32([1, 1, 4, 4])],
    attributes: { inputSize: [8, 8] },
    message: "expected indices to be u32 [1, 1, 4, 4]",
  }],
});

/** WGSL of the first row or column of the window `name` that is the input's: of u32, so beyond the padding. */
function firstInsideWgsl({ stride, padding, dilation }: PoolGeometry, axis: 0 | 1, name: string): string {
  const begin = `${name} * ${stride[axis]}u`, pad = `${padding[axis]}u`, step = dilation[axis];
  if (step === 1) return `max(${begin}, ${pad}) - ${pad}`;
  return `${begin} + (max(${begin}, ${pad}) - ${begin} + ${step - 1}u) / ${step}u * ${step}u - ${pad}`;
}

/**
 * Input: [N, C, H, W]. Outputs: the maxima [N, C, OH, OW] and their indices in the input's plane, u32 of the same shape.
 * OH = floor((H + top + bottom - dilation·(KH - 1) - 1) / stride) + 1, or rounded up in ceil mode. Padding is never the
 * maximum; of equal elements the first is, as in `torch.nn.MaxPool2d` and ONNX's `MaxPool`.
 */
export const maxPool2d: Op<MaxPoolAttributes> = registerOp<MaxPoolAttributes>({
  name: "maxPool2d",
  attributes: DEFAULTS,
  float16Inputs: () => [0],
  infer([input], attributes) {
    const output = pooledSpec("maxPool2d", input, attributes);
    return [output, u32(output.shape)];
  },
  gradient: (graph, { inputs, results, attributes }, [outputGradient]) =>
    maxPool2dGradient.apply(graph, [outputGradient!, results[1]], {
      ...attributes,
      inputSize: inputs[0].shape.slice(2),
    }),
  reference({ inputs: [{ shape }], attributes }) {
    const g = poolGeometry("maxPool2d", shape, attributes);
    return ([x, y, indices]) => maxPool(g, x, y, indices);
  },
  cpu({ inputs: [{ shape }], attributes }): CpuStages {
    const g = poolGeometry("maxPool2d", shape, attributes), isDilated = g.dilation.some((step) => step > 1);
    const kernel = isDilated ? "dilatedMaxPool" : "maxPool";
    return { stages: [poolStage(kernel, [{ buffer: 0 }, { buffer: 1 }, { buffer: 2 }], g)] };
  },
  webgpu({ inputs: [{ shape }], outputs: [output], attributes }) {
    const g = poolGeometry("maxPool2d", shape, attributes), iterations = windowIterations("maxPool2d", g);
    const next = (name: string, axis: 0 | 1) =>
      g.dilation[axis] === 1 ? `${name}++` : `${name} += ${g.dilation[axis]}u`;
    const body = `let ox = i % ${g.outputWidth}u; let oy = i / ${g.outputWidth}u % ${g.outputHeight}u;
  let source = i / ${g.outputHeight * g.outputWidth}u * ${g.height * g.width}u;
  let firstY = ${firstInsideWgsl(g, 0, "oy")};
  let firstX = ${firstInsideWgsl(g, 1, "ox")};
  let endY = min(oy * ${g.stride[0]}u + ${g.span[0]}u, ${g.height + g.padding[0]}u) - ${g.padding[0]}u;
  let endX = min(ox * ${g.stride[1]}u + ${g.span[1]}u, ${g.width + g.padding[1]}u) - ${g.padding[1]}u;
  var best = firstY * ${g.width}u + firstX;
  for (var py = firstY; py < endY; ${next("py", 0)}) {
    for (var px = firstX; px < endX; ${next("px", 1)}) {
      let position = py * ${g.width}u + px;
      let v = x[source + position];
      if (v > x[source + best] || isNan1(v)) { best = position; }
    }
  }
  y[i] = x[source + best];
  indices[i] = best;`;
    return elementwiseKernels(elementCount(output.shape), ["x", "y!", "indices!"], body, iterations);
  },
  cost: (spec) => ({
    flops: elementCount(spec.outputs[0].shape) * elementCount(spec.attributes.kernel),
    bytes: bytesMoved(spec),
  }),
  samples: () => CASES.map(({ input, attributes }) => ({ inputs: [f32(input)], attributes })),
  badSamples: () => [
    {
      inputs: [f32([1, 1, 4, 4])],
      attributes: { padding: [2, 0] },
      message: "expected a vertical padding of less than the 2",
    },
    {
      inputs: [f32([1, 1, 4, 4])],
      attributes: { padding: [1, 1, 1] },
      message: "expected padding to be [vertical, horizontal] or [top, left, bottom, right]",
    },
    { inputs: [f32([1, 1, 4, 1])], message: "expected the input's width to be at least 2 with its padding" },
    {
      inputs: [f32([1, 1, 4, 1])],
      attributes: { padding: [0, 1], dilation: [1, 2] },
      message: "expected each window to hold an element of the input",
    },
  ],
});
