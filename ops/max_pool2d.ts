/** The largest element of each window, and its index, by which the gradient needs no atomics. */

import { bytesMoved, elementCount, expectSpec, f32, type NumericArray, type Op, registerOp, u32 } from "../core/mod.ts";
import { elementwiseKernels } from "../kernels/mod.ts";
import {
  forEachCoveringWindow,
  POOL_CASES,
  POOL_DEFAULTS,
  type PoolAttributes,
  pooledSpec,
  type PoolGeometry,
  poolGeometry,
  type PoolGradientAttributes,
  poolKernel,
  unpooledSpec,
  windowIterations,
} from "./_pool.ts";

/** The largest element of each window, the first of equals in the order of rows, and its index in the plane. */
function maxPool(g: PoolGeometry, x: NumericArray, y: NumericArray, indices: NumericArray): void {
  for (let plane = 0; plane < g.planes; plane++) {
    for (let oy = 0; oy < g.outputHeight; oy++) {
      for (let ox = 0; ox < g.outputWidth; ox++) {
        const firstY = Math.max(0, oy * g.stride[0] - g.padding[0]),
          firstX = Math.max(0, ox * g.stride[1] - g.padding[1]);
        const endY = Math.min(g.height, oy * g.stride[0] - g.padding[0] + g.kernel[0]);
        const endX = Math.min(g.width, ox * g.stride[1] - g.padding[1] + g.kernel[1]);
        let best = firstY * g.width + firstX;
        for (let iy = firstY; iy < endY; iy++) {
          for (let ix = firstX; ix < endX; ix++) {
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
export const maxPool2dGradient: Op<PoolGradientAttributes> = registerOp<PoolGradientAttributes>({
  name: "maxPool2dGradient",
  attributes: { ...POOL_DEFAULTS, inputSize: [1, 1] },
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
  cpu: ({ outputs: [{ shape }], attributes }) =>
    poolKernel("maxPoolGradient", 3, poolGeometry("maxPool2dGradient", shape, attributes)),
  webgpu({ outputs: [{ shape }], attributes }) {
    const iterations = windowIterations("maxPool2dGradient", attributes);
    const g = poolGeometry("maxPool2dGradient", shape, attributes);
    const visit = `let k = (plane * ${g.outputHeight}u + wy) * ${g.outputWidth}u + wx;
      if (indices[k] == row * ${g.width}u + column) { sum += dy[k]; }`;
    const body = `var sum = 0.0;
  ${forEachCoveringWindow(g, visit)}
  dx[i] = sum;`;
    return elementwiseKernels(elementCount(shape), ["dy", "indices", "dx!"], body, iterations);
  },
  cost: (spec) => ({ flops: elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    POOL_CASES.map(({ input, attributes }) => {
      const resolved = { ...POOL_DEFAULTS, ...attributes };
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

/**
 * Input: [N, C, H, W]. Outputs: the maxima [N, C, OH, OW] and their indices in the input's plane, u32 of the same shape.
 * Padding is never the maximum; of equal elements the first is, as in `torch.nn.MaxPool2d`.
 */
export const maxPool2d: Op<PoolAttributes> = registerOp<PoolAttributes>({
  name: "maxPool2d",
  attributes: POOL_DEFAULTS,
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
  cpu: ({ inputs: [{ shape }], attributes }) => poolKernel("maxPool", 3, poolGeometry("maxPool2d", shape, attributes)),
  webgpu({ inputs: [{ shape }], outputs: [output], attributes }) {
    const iterations = windowIterations("maxPool2d", attributes);
    const g = poolGeometry("maxPool2d", shape, attributes);
    const body = `let ox = i % ${g.outputWidth}u; let oy = i / ${g.outputWidth}u % ${g.outputHeight}u;
  let source = i / ${g.outputHeight * g.outputWidth}u * ${g.height * g.width}u;
  let firstY = max(oy * ${g.stride[0]}u, ${g.padding[0]}u) - ${g.padding[0]}u;
  let firstX = max(ox * ${g.stride[1]}u, ${g.padding[1]}u) - ${g.padding[1]}u;
  let endY = min(oy * ${g.stride[0]}u + ${g.kernel[0]}u, ${g.height + g.padding[0]}u) - ${g.padding[0]}u;
  let endX = min(ox * ${g.stride[1]}u + ${g.kernel[1]}u, ${g.width + g.padding[1]}u) - ${g.padding[1]}u;
  var best = firstY * ${g.width}u + firstX;
  for (var py = firstY; py < endY; py++) {
    for (var px = firstX; px < endX; px++) {
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
  samples: () => POOL_CASES.map(({ input, attributes }) => ({ inputs: [f32(input)], attributes })),
  badSamples: () => [
    { inputs: [f32([1, 1, 4, 4])], attributes: { padding: [2, 0] }, message: "expected padding to be at most half" },
    { inputs: [f32([1, 1, 1, 1])], message: "does not fit" },
  ],
});
