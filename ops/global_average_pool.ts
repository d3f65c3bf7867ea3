/** The mean over all positions of a channel (Lin et al. 2013, "Network In Network", section 3.2). */

import { bytesMoved, elementCount, expectSpec, f32, type Op, type OpSpec, registerOp } from "../core/mod.ts";
import { channelSumStages, elementwiseKernels, rowsOfTask, rowSums } from "../kernels/mod.ts";
import { expectPair } from "./_window.ts";

/** The attributes of {@link globalAveragePoolGradient}. */
export type SizeAttributes = {
  /** The height and the width of the input. */
  readonly size: readonly number[];
};

const SAMPLES = [[1, 1, 1, 1], [2, 3, 5, 7], [3, 64, 8, 8], [1, 5, 1, 9], [2, 1, 91, 93]];

/** The gradient of {@link globalAveragePool}. Input: `outputGradient` [N, C]. Output: [N, C, H, W] for `size` [H, W]. */
export const globalAveragePoolGradient: Op<SizeAttributes> = registerOp<SizeAttributes>({
  name: "globalAveragePoolGradient",
  attributes: { size: [1, 1] },
  float16Inputs: () => [0],
  infer([outputGradient], { size }) {
    expectSpec("globalAveragePoolGradient", "outputGradient", outputGradient, ["N", "C"], "float");
    expectPair("globalAveragePoolGradient", "size", size, 1);
    return [{ ...outputGradient, shape: [...outputGradient.shape, ...size] }];
  },
  reference(spec) {
    const plane = elementCount(spec.attributes.size);
    return ([dy, dx]) => {
      for (let i = 0; i < dy.length; i++) dx.fill(dy[i] / plane, i * plane, (i + 1) * plane);
    };
  },
  cpu(spec) {
    const plane = elementCount(spec.attributes.size), planes = elementCount(spec.inputs[0].shape);
    const group = rowsOfTask(planes, plane);
    return {
      stages: [{
        kernel: "spreadPlanes",
        tasks: Math.ceil(planes / group),
        arguments: [{ buffer: 0 }, { buffer: 1 }, planes, plane, group, { float: 1 / plane }],
      }],
    };
  },
  webgpu(spec) {
    const plane = elementCount(spec.attributes.size);
    const body = `dx[i] = dy[i / ${plane}u] / ${plane}.0;`;
    return elementwiseKernels(elementCount(spec.outputs[0].shape), ["dy", "dx!"], body);
  },
  cost: (spec) => ({ flops: elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => SAMPLES.map(([n, c, ...size]) => ({ inputs: [f32([n, c])], attributes: { size } })),
  badSamples: () => [{ inputs: [f32([2, 3])], attributes: { size: [0, 4] }, message: "expected size to be a pair" }],
});

/** Input: [N, C, H, W]. Output: [N, C], the mean of each plane. */
export const globalAveragePool: Op = registerOp({
  name: "globalAveragePool",
  attributes: {},
  float16Inputs: () => [0],
  infer([input]) {
    expectSpec("globalAveragePool", "input", input, ["N", "C", "H", "W"], "float");
    return [{ ...input, shape: input.shape.slice(0, 2) }];
  },
  gradient: (graph, node, [outputGradient]) =>
    globalAveragePoolGradient.apply(graph, [outputGradient!], { size: node.inputs[0].shape.slice(2) }),
  reference(spec: OpSpec) {
    const plane = elementCount(spec.inputs[0].shape.slice(2));
    return ([x, y]) => {
      for (let i = 0; i < y.length; i++) {
        let sum = 0;
        for (let k = i * plane; k < (i + 1) * plane; k++) sum += x[k];
        y[i] = sum / plane;
      }
    };
  },
  cpu({ inputs: [{ shape: [batch, channels, ...size] }] }) {
    const plane = elementCount(size);
    return channelSumStages({ batch: 1, channels: batch * channels, plane }, 1 / plane);
  },
  webgpu(spec) {
    const plane = elementCount(spec.inputs[0].shape.slice(2)), rows = elementCount(spec.outputs[0].shape);
    const element = `x[row * ${plane}u + k]`, finish = `sum / ${plane}.0`;
    return rowSums(rows, plane, { element, finish, buffers: [{ name: "x", index: 0 }], output: 1 });
  },
  cost: (spec) => ({ flops: elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () => SAMPLES.map((shape) => ({ inputs: [f32(shape)] })),
  badSamples: () => [{ inputs: [f32([2, 3])], message: "expected input to be f32 [N, C, H, W]" }],
});
