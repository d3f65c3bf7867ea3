/** The mean of each window; padding counts as zeros, as in PyTorch's default. */

import { bytesMoved, elementCount, f32, type Op, registerOp } from "../core/mod.ts";
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

/** Calls `visit(input, output)` for each input position of each window. */
function forEachPair(g: PoolGeometry, visit: (input: number, output: number) => void): void {
  for (let plane = 0; plane < g.planes; plane++) {
    for (let oy = 0; oy < g.outputHeight; oy++) {
      for (let ox = 0; ox < g.outputWidth; ox++) {
        const output = (plane * g.outputHeight + oy) * g.outputWidth + ox;
        for (let i = 0; i < g.kernel[0]; i++) {
          for (let j = 0; j < g.kernel[1]; j++) {
            const y = oy * g.stride[0] + i - g.padding[0], x = ox * g.stride[1] + j - g.padding[1];
            if (y >= 0 && y < g.height && x >= 0 && x < g.width) visit((plane * g.height + y) * g.width + x, output);
          }
        }
      }
    }
  }
}

/** The gradient of {@link averagePool2d}. Input: `outputGradient` [N, C, OH, OW]. Output: [N, C, H, W]. */
export const averagePool2dGradient: Op<PoolGradientAttributes> = registerOp<PoolGradientAttributes>({
  name: "averagePool2dGradient",
  attributes: { ...POOL_DEFAULTS, inputSize: [1, 1] },
  float16Inputs: () => [0],
  infer: ([outputGradient], attributes) => [unpooledSpec("averagePool2dGradient", outputGradient, attributes)],
  reference({ outputs: [{ shape }], attributes }) {
    const g = poolGeometry("averagePool2dGradient", shape, attributes), area = g.kernel[0] * g.kernel[1];
    return ([dy, dx]) => {
      dx.fill(0);
      forEachPair(g, (input, output) => dx[input] += dy[output] / area);
    };
  },
  cpu: ({ outputs: [{ shape }], attributes }) =>
    poolKernel("averagePoolGradient", 2, poolGeometry("averagePool2dGradient", shape, attributes)),
  webgpu({ outputs: [{ shape }], attributes }) {
    const iterations = windowIterations("averagePool2dGradient", attributes);
    const g = poolGeometry("averagePool2dGradient", shape, attributes);
    const body = `var sum = 0.0;
  ${forEachCoveringWindow(g, `sum += dy[(plane * ${g.outputHeight}u + wy) * ${g.outputWidth}u + wx];`)}
  dx[i] = sum / ${g.kernel[0] * g.kernel[1]}.0;`;
    return elementwiseKernels(elementCount(shape), ["dy", "dx!"], body, iterations);
  },
  cost: (spec) => ({
    flops: elementCount(spec.inputs[0].shape) * elementCount(spec.attributes.kernel),
    bytes: bytesMoved(spec),
  }),
  samples: () =>
    POOL_CASES.map(({ input, attributes }) => ({
      inputs: [pooledSpec("averagePool2d", f32(input), { ...POOL_DEFAULTS, ...attributes })],
      attributes: { ...attributes, inputSize: input.slice(2) },
    })),
  badSamples: () => [{
    inputs: [f32([1, 1, 3, 3])],
    attributes: { inputSize: [8, 8] },
    message: "expected outputGradient to be f32 [N, C, 4, 4]",
  }],
});

/** Input: [N, C, H, W]. Output: [N, C, OH, OW], as `torch.nn.AvgPool2d`. */
export const averagePool2d: Op<PoolAttributes> = registerOp<PoolAttributes>({
  name: "averagePool2d",
  attributes: POOL_DEFAULTS,
  float16Inputs: () => [0],
  infer: ([input], attributes) => [pooledSpec("averagePool2d", input, attributes)],
  gradient: (graph, { inputs, attributes }, [outputGradient]) =>
    averagePool2dGradient.apply(graph, [outputGradient!], { ...attributes, inputSize: inputs[0].shape.slice(2) }),
  reference({ inputs: [{ shape }], attributes }) {
    const g = poolGeometry("averagePool2d", shape, attributes), area = g.kernel[0] * g.kernel[1];
    return ([x, y]) => {
      y.fill(0);
      forEachPair(g, (input, output) => y[output] += x[input] / area);
    };
  },
  cpu: ({ inputs: [{ shape }], attributes }) =>
    poolKernel("averagePool", 2, poolGeometry("averagePool2d", shape, attributes)),
  webgpu({ inputs: [{ shape }], outputs: [output], attributes }) {
    const iterations = windowIterations("averagePool2d", attributes);
    const g = poolGeometry("averagePool2d", shape, attributes);
    const body = `let ox = i % ${g.outputWidth}u; let oy = i / ${g.outputWidth}u % ${g.outputHeight}u;
  let plane = i / ${g.outputHeight * g.outputWidth}u;
  let endY = min(oy * ${g.stride[0]}u + ${g.kernel[0]}u, ${g.height + g.padding[0]}u);
  let endX = min(ox * ${g.stride[1]}u + ${g.kernel[1]}u, ${g.width + g.padding[1]}u);
  var sum = 0.0;
  for (var py = max(oy * ${g.stride[0]}u, ${g.padding[0]}u); py < endY; py++) {
    for (var px = max(ox * ${g.stride[1]}u, ${g.padding[1]}u); px < endX; px++) {
      sum += x[(plane * ${g.height}u + py - ${g.padding[0]}u) * ${g.width}u + px - ${g.padding[1]}u];
    }
  }
  y[i] = sum / ${g.kernel[0] * g.kernel[1]}.0;`;
    return elementwiseKernels(elementCount(output.shape), ["x", "y!"], body, iterations);
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
