/** One step of SGD on one parameter, in place. */

import {
  bytesMoved,
  elementCount,
  elementwise,
  expectSpec,
  f32,
  float,
  linearWorkgroups,
  type NumericArray,
  type Op,
  type OpSpec,
  registerOp,
  type WebGpuLimits,
  type WebGpuVariant,
} from "../core/mod.ts";
import { elementwiseKernel } from "./_elementwise.ts";
import { scaledSamples } from "./_scaled_gradient.ts";

/** The attributes of {@link sgdUpdate}. */
export type SgdAttributes = {
  /** The share of the last update that is kept. */
  readonly momentum: number;
  /** The factor of the parameter that is added to its gradient. */
  readonly weightDecay: number;
  /** Whether the gradient is taken after the momentum (Nesterov). */
  readonly nesterov: boolean;
};

function update(
  { momentum, weightDecay, nesterov }: SgdAttributes,
  [p, v, g, rate, factor]: readonly NumericArray[],
): void {
  const step = rate[0], unscale = factor?.[0] ?? 1;
  if (unscale === 0) return;
  for (let i = 0; i < p.length; i++) {
    const gradient = unscale * g[i] + weightDecay * p[i];
    const velocity = momentum * v[i] + gradient;
    v[i] = velocity;
    p[i] -= step * (nesterov ? gradient + momentum * velocity : velocity);
  }
}

/** The most buffers of an update: parameter, velocity, gradient, rate, factor. */
const BUFFERS = 5;
/** Updates of a dispatch: its text is as long as there are many. */
const MOST_TOGETHER = 16;

/** The kernel of some updates, four elements a thread: the threads of each follow those of the one before. */
function together(specs: readonly OpSpec<SgdAttributes>[], limits: WebGpuLimits): WebGpuVariant {
  let threads = 0, buffers = 0;
  const bindings = specs.flatMap(({ inputs }, k) => {
    const first = buffers;
    buffers += inputs.length;
    return [
      { name: `p${k}`, index: first, write: true, vector: true },
      { name: `v${k}`, index: first + 1, write: true, vector: true },
      { name: `g${k}`, index: first + 2, vector: true },
      { name: `rate${k}`, index: first + 3 },
      ...(inputs.length > 4 ? [{ name: `factor${k}`, index: first + 4 }] : []),
    ];
  });
  const branches = specs.map(({ inputs, attributes: { momentum, weightDecay, nesterov } }, k) => {
    const first = threads;
    threads += Math.ceil(elementCount(inputs[0].shape) / 4);
    const scaled = inputs.length > 4;
    return `if (thread < ${threads}u) {${scaled ? ` if (factor${k}[0] == 0.0) { return; }` : ""}
    let i = thread - ${first}u;
    let gradient = ${scaled ? `factor${k}[0] * ` : ""}g${k}[i] + ${float(weightDecay)} * p${k}[i];
    let velocity = ${float(momentum)} * v${k}[i] + gradient;
    v${k}[i] = velocity;
    p${k}[i] -= rate${k}[0] * ${nesterov ? `(gradient + ${float(momentum)} * velocity)` : "velocity"};
  }`;
  });
  return {
    name: "vectors",
    passes: [{
      wgsl: elementwise(threads, `let thread = i;\n  ${branches.join(" else ")}`),
      bindings,
      workgroups: linearWorkgroups(threads, limits),
    }],
  };
}

/**
 * g' = g + weightDecay·p; v = momentum·v + g'; p -= rate·v (or rate·(g' + momentum·v) with Nesterov), as `torch.optim.SGD`.
 * Inputs: `parameter` and `velocity`, which are updated in place, `gradient` of the same shape, `learningRate` [], and maybe
 * `factor` [], by which the gradient is multiplied first; where it is 0 nothing changes, whatever the gradient is.
 */
export const sgdUpdate: Op<SgdAttributes> = registerOp<SgdAttributes>({
  name: "sgdUpdate",
  attributes: { momentum: 0.9, weightDecay: 1e-4, nesterov: false },
  updates: [0, 1],
  infer([parameter, velocity, gradient, rate, factor]) {
    expectSpec("sgdUpdate", "velocity", velocity, parameter.shape);
    expectSpec("sgdUpdate", "gradient", gradient, parameter.shape);
    expectSpec("sgdUpdate", "learningRate", rate, []);
    if (factor !== undefined) expectSpec("sgdUpdate", "factor", factor, []);
    return [];
  },
  reference: ({ attributes }) => (buffers) => update(attributes, buffers),
  cpu({ attributes, inputs }) {
    const { momentum, weightDecay, nesterov } = attributes;
    if (inputs.length > 4) return { phases: [{ tasks: 1, run: (buffers) => update(attributes, buffers) }] };
    return elementwiseKernel("sgdElements", 4, elementCount(inputs[0].shape), [
      { float: momentum },
      { float: weightDecay },
      nesterov ? 1 : 0,
    ]);
  },
  webgpu: (spec, limits) => [together([spec], limits)],
  webgpuTogether: {
    most: ({ maxStorageBuffersPerShaderStage }) =>
      Math.max(1, Math.min(MOST_TOGETHER, Math.floor(maxStorageBuffersPerShaderStage / BUFFERS))),
    webgpu: together,
  },
  cost: (spec) => ({ flops: 6 * elementCount(spec.inputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    [{}, { momentum: 0, weightDecay: 0 }, { nesterov: true, weightDecay: 0.1 }].flatMap((attributes) =>
      [[1], [13], [4, 3, 3, 3], [5, 3347]].flatMap((shape) => {
        const inputs = [f32(shape), f32(shape), f32(shape), f32([])];
        return [{ inputs, attributes }, ...scaledSamples(inputs, 2).map((sample) => ({ ...sample, attributes }))];
      })
    ),
  badSamples: () => [
    { inputs: [f32([2]), f32([2]), f32([3]), f32([])], message: "expected gradient to be f32 [2]" },
    { inputs: [f32([2]), f32([2]), f32([2]), f32([1])], message: "expected learningRate to be f32 []" },
    { inputs: [f32([2]), f32([2]), f32([2]), f32([]), f32([1])], message: "expected factor to be f32 []" },
  ],
});
