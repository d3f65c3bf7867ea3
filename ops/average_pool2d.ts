/** The mean of each window; padding counts as zeros or not at all. */

import {
  bytesMoved,
  type CpuArgument,
  type CpuStage,
  type CpuStages,
  elementCount,
  f32,
  type Op,
  registerOp,
} from "../core/mod.ts";
import { elementwiseKernels, rowsOfTask } from "../kernels/mod.ts";
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

/** The attributes of {@link averagePool2d}. Pairs are vertical, horizontal. */
export type AveragePoolAttributes = PoolAttributes & {
  /** Whether padding counts as zeros, as is PyTorch's default, or not at all, as is ONNX's, TensorFlow's and Keras'. */
  readonly countIncludePad: boolean;
};

/** The attributes of {@link averagePool2dGradient}. */
export type AveragePoolGradientAttributes = PoolGradientAttributes<AveragePoolAttributes>;

const DEFAULTS: AveragePoolAttributes = { ...POOL_DEFAULTS, countIncludePad: true };

const CASES: readonly PoolCase<AveragePoolAttributes>[] = [
  ...POOL_CASES,
  {
    input: [2, 3, 8, 11],
    attributes: { kernel: [3, 2], padding: [2, 0, 1, 1], ceilMode: true, countIncludePad: false },
  },
  { input: [1, 5, 8, 6], attributes: { kernel: [3, 3], stride: [2, 3], padding: [1, 0], ceilMode: true } },
];

/** Of each axis, the positions of the padded input that count, from `first` up to `end`. */
interface Counted {
  readonly first: readonly number[];
  readonly end: readonly number[];
  /** Whether all positions of every window do, so that the divisor is the window's area. */
  readonly areAll: boolean;
}

/** What counts; never what a window of ceil mode has beyond the padding. */
function countedOf(g: PoolGeometry, { countIncludePad }: AveragePoolAttributes): Counted {
  const sizes = [g.height, g.width], outputs = [g.outputHeight, g.outputWidth];
  const first = countIncludePad ? [0, 0] : g.padding;
  const end = sizes.map((size, axis) => size + g.padding[axis] + (countIncludePad ? g.paddingAfter[axis] : 0));
  const areAll = [0, 1].every((axis) =>
    first[axis] === 0 && (outputs[axis] - 1) * g.stride[axis] + g.kernel[axis] <= end[axis]
  );
  return { first, end, areAll };
}

/** The divisor of window (oy, ox). */
function divisorOf(g: PoolGeometry, { first, end }: Counted, window: readonly [number, number]): number {
  const [rows, columns] = window.map((index, axis) => {
    const begin = index * g.stride[axis];
    return Math.min(begin + g.kernel[axis], end[axis]) - Math.max(begin, first[axis]);
  });
  return rows * columns;
}

/** WGSL of the divisor of the window of these names, as a float. */
function divisorWgsl(g: PoolGeometry, { first, end, areAll }: Counted, window: readonly [string, string]): string {
  if (areAll) return `${g.kernel[0] * g.kernel[1]}.0`;
  const [rows, columns] = window.map((name, axis) => {
    const begin = `${name} * ${g.stride[axis]}u`;
    return `(min(${begin} + ${g.kernel[axis]}u, ${end[axis]}u) - max(${begin}, ${first[axis]}u))`;
  });
  return `f32(${rows} * ${columns})`;
}

/** The stage that divides what is of each window by its divisor. */
function divisionStage(g: PoolGeometry, { first, end }: Counted, source: CpuArgument, target: CpuArgument): CpuStage {
  const group = rowsOfTask(g.planes, g.outputHeight * g.outputWidth), size = [g.outputHeight, g.outputWidth];
  return {
    kernel: "divideByWindows",
    tasks: Math.ceil(g.planes / group),
    arguments: [source, target, g.planes, group, ...size, ...g.kernel, ...g.stride, ...first, ...end],
  };
}

/** Calls `visit(input, output, divisor)` for each input position of each window. */
function forEachPair(
  g: PoolGeometry,
  attributes: AveragePoolAttributes,
  visit: (input: number, output: number, divisor: number) => void,
): void {
  const counted = countedOf(g, attributes);
  for (let plane = 0; plane < g.planes; plane++) {
    for (let oy = 0; oy < g.outputHeight; oy++) {
      for (let ox = 0; ox < g.outputWidth; ox++) {
        const output = (plane * g.outputHeight + oy) * g.outputWidth + ox, divisor = divisorOf(g, counted, [oy, ox]);
        for (let i = 0; i < g.kernel[0]; i++) {
          for (let j = 0; j < g.kernel[1]; j++) {
            const y = oy * g.stride[0] + i - g.padding[0], x = ox * g.stride[1] + j - g.padding[1];
            if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
            visit((plane * g.height + y) * g.width + x, output, divisor);
          }
        }
      }
    }
  }
}

/** The gradient of {@link averagePool2d}. Input: `outputGradient` [N, C, OH, OW]. Output: [N, C, H, W]. */
export const averagePool2dGradient: Op<AveragePoolGradientAttributes> = registerOp<AveragePoolGradientAttributes>({
  name: "averagePool2dGradient",
  attributes: { ...DEFAULTS, inputSize: [1, 1] },
  float16Inputs: () => [0],
  infer: ([outputGradient], attributes) => [unpooledSpec("averagePool2dGradient", outputGradient, attributes)],
  reference({ outputs: [{ shape }], attributes }) {
    const g = poolGeometry("averagePool2dGradient", shape, attributes);
    return ([dy, dx]) => {
      dx.fill(0);
      forEachPair(g, attributes, (input, output, divisor) => dx[input] += dy[output] / divisor);
    };
  },
  cpu({ inputs: [{ shape: output }], outputs: [{ shape }], attributes }): CpuStages {
    const g = poolGeometry("averagePool2dGradient", shape, attributes), counted = countedOf(g, attributes);
    if (counted.areAll) return { stages: [poolStage("averagePoolGradient", [{ buffer: 0 }, { buffer: 1 }, 0], g)] };
    const divided = { workspace: 0 };
    return {
      workspace: elementCount(output),
      stages: [
        divisionStage(g, counted, { buffer: 0 }, divided),
        poolStage("averagePoolGradient", [divided, { buffer: 1 }, 0], g, 1),
      ],
    };
  },
  webgpu({ outputs: [{ shape }], attributes }) {
    const g = poolGeometry("averagePool2dGradient", shape, attributes), counted = countedOf(g, attributes);
    const iterations = windowIterations("averagePool2dGradient", g);
    const gradient = `dy[(plane * ${g.outputHeight}u + wy) * ${g.outputWidth}u + wx]`;
    const share = counted.areAll ? gradient : `${gradient} / ${divisorWgsl(g, counted, ["wy", "wx"])}`;
    const body = `var sum = 0.0;
  ${forEachCoveringWindow(g, `sum += ${share};`)}
  dx[i] = sum${counted.areAll ? ` / ${divisorWgsl(g, counted, ["wy", "wx"])}` : ""};`;
    return elementwiseKernels(elementCount(shape), ["dy", "dx!"], body, iterations);
  },
  cost: (spec) => ({
    flops: elementCount(spec.inputs[0].shape) * elementCount(spec.attributes.kernel),
    bytes: bytesMoved(spec),
  }),
  samples: () =>
    CASES.map(({ input, attributes }) => ({
      inputs: [pooledSpec("averagePool2d", f32(input), { ...DEFAULTS, ...attributes })],
      attributes: { ...attributes, inputSize: input.slice(2) },
    })),
  badSamples: () => [{
    inputs: [f32([1, 1, 3, 3])],
    attributes: { inputSize: [8, 8] },
    message: "expected outputGradient to be f32 [N, C, 4, 4]",
  }],
});

/**
 * Input: [N, C, H, W]. Output: [N, C, OH, OW], as `torch.nn.AvgPool2d`. What a window of ceil mode has beyond the padding
 * never counts.
 */
export const averagePool2d: Op<AveragePoolAttributes> = registerOp<AveragePoolAttributes>({
  name: "averagePool2d",
  attributes: DEFAULTS,
  float16Inputs: () => [0],
  infer: ([input], attributes) => [pooledSpec("averagePool2d", input, attributes)],
  gradient: (graph, { inputs, attributes }, [outputGradient]) =>
    averagePool2dGradient.apply(graph, [outputGradient!], { ...attributes, inputSize: inputs[0].shape.slice(2) }),
  reference({ inputs: [{ shape }], attributes }) {
    const g = poolGeometry("averagePool2d", shape, attributes);
    return ([x, y]) => {
      y.fill(0);
      forEachPair(g, attributes, (input, output, divisor) => y[output] += x[input] / divisor);
    };
  },
  cpu({ inputs: [{ shape }], attributes }): CpuStages {
    const g = poolGeometry("averagePool2d", shape, attributes), counted = countedOf(g, attributes);
    const addresses = [{ buffer: 0 }, { buffer: 1 }, 0];
    if (counted.areAll) return { stages: [poolStage("averagePool", addresses, g)] };
    const sums = { buffer: 1 };
    return { stages: [poolStage("averagePool", addresses, g, 1), divisionStage(g, counted, sums, sums)] };
  },
  webgpu({ inputs: [{ shape }], outputs: [output], attributes }) {
    const g = poolGeometry("averagePool2d", shape, attributes), counted = countedOf(g, attributes);
    const iterations = windowIterations("averagePool2d", g);
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
  y[i] = sum / ${divisorWgsl(g, counted, ["oy", "ox"])};`;
    return elementwiseKernels(elementCount(output.shape), ["x", "y!"], body, iterations);
  },
  cost: (spec) => ({
    flops: elementCount(spec.outputs[0].shape) * elementCount(spec.attributes.kernel),
    bytes: bytesMoved(spec),
  }),
  samples: () => CASES.map(({ input, attributes }) => ({ inputs: [f32(input)], attributes })),
  badSamples: () => [
    {
      inputs: [f32([1, 1, 4, 4])],
      attributes: { padding: [0, 0, 0, 2] },
      message: "expected a horizontal padding of less than the 2",
    },
    { inputs: [f32([1, 1, 1, 4])], message: "expected the input's height to be at least 2 with its padding" },
  ],
});
