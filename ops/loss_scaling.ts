/**
 * Dynamic loss scaling on the device (Micikevicius et al. 2018, "Mixed Precision Training", section 3.2), by the rule of
 * `torch.cuda.amp.GradScaler`. One op detects overflow of the gradients; the other adjusts the scale and the update.
 */

import {
  bytesMoved,
  constants,
  type DeviceLimits,
  elementCount,
  elementwise,
  expectInteger,
  expectSpec,
  f32,
  float,
  type KernelSequence,
  linearWorkgroups,
  type NumericArray,
  type Op,
  type OpSpec,
  registerOp,
  ShapeError,
  u32,
  type WebGpuKernel,
} from "../core/mod.ts";
import { elementwiseKernels, REDUCE_LANES, type ReduceBy, reducingWays, workgroupMax } from "../kernels/mod.ts";

/** Tensors of a dispatch; the text grows with their number. */
const MOST_TOGETHER = 16;
/** Threads of a dispatch, and the most vectors of four elements that each reads. */
const MOST_THREADS = 8192, MOST_UNITS = 30_000;

/** Each kernel checks some of the tensors by strided loops, then one workgroup joins the threads' answers. */
function nonFiniteKernels({ inputs }: OpSpec, by: ReduceBy, limits: DeviceLimits): KernelSequence {
  const together = Math.max(1, Math.min(MOST_TOGETHER, limits.maxStorageBuffersPerShaderStage - 1));
  const kernels: WebGpuKernel[] = [], result = inputs.length, partial = result + 1;
  let slots = 0;
  for (let from = 0; from < inputs.length; from += together) {
    const counts = inputs.slice(from, from + together).map(({ shape }) => elementCount(shape));
    const units = counts.reduce((sum, count) => sum + Math.ceil(count / 4), 0), first = slots;
    const threads = Math.max(Math.min(units, MOST_THREADS), Math.ceil(units / MOST_UNITS));
    slots += threads;
    const visits = counts.map((count, k) => {
      const beyond = count % 4 === 0 ? "" : ` & (vec4<u32>(4u * j) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(${count}u))`;
      return `for (var j = i; j < ${Math.ceil(count / 4)}u; j += ${threads}u) {
    found = found || any(((bitcast<vec4<u32>>(x${k}[j]) & EXPONENT) == EXPONENT)${beyond});
  }`;
    });
    kernels.push({
      // Bits, since compilers may assume that no number is infinite or NaN.
      wgsl: elementwise(
        threads,
        `var found = false;
  ${visits.join("\n  ")}
  partial[${first}u + i] = f32(found);`,
        "const EXPONENT = vec4<u32>(0x7f800000u);",
      ),
      bindings: [
        ...counts.map((_, k) => ({ name: `x${k}`, index: from + k, vector: true })),
        { name: "partial", index: partial, write: true },
      ],
      workgroups: linearWorkgroups(threads, limits),
    });
  }
  kernels.push({
    wgsl: `${constants({ SLOTS: slots })}
${workgroupMax(["found"], by)}
@compute @workgroup_size(${REDUCE_LANES})
fn main(@builtin(local_invocation_index) lane: u32) {
  var found = 0.0;
  for (var i = lane; i < SLOTS; i += ${REDUCE_LANES}u) { found = max(found, partial[i]); }
  let any = reduceFound(lane, found);
  if (lane == 0u) { result[0] = any; }
}`,
    bindings: [{ name: "partial", index: partial }, { name: "result", index: result, write: true }],
    workgroups: [1, 1, 1],
  });
  return { workspace: [f32([slots])], kernels };
}

/** Writes elements that are infinite, NaN or nearly so. */
function spoil(value: number, tensor: number): (arrays: readonly NumericArray[]) => void {
  return (arrays) => {
    for (const array of arrays) array[0] = 3e38;
    arrays[tensor][arrays[tensor].length - 1] = value;
  };
}

const SHAPES = [[1], [13], [4, 3, 3, 3], [5, 3347], []].map(f32);
const MANY = Array.from({ length: 37 }, (_, k) => f32([k % 3 + 1, 2 * k + 1]));

/** 1 if any element of any input is infinite or NaN, else 0. Inputs: at least one, float32 of any shapes. Output: []. */
export const nonFinite: Op = registerOp({
  name: "nonFinite",
  attributes: {},
  infer(inputs) {
    if (inputs.length === 0) throw new ShapeError("nonFinite: expected at least one input but none came");
    inputs.forEach((input, index) => expectSpec("nonFinite", `input ${index}`, input, input.shape));
    return [f32([])];
  },
  reference: () => (buffers) => {
    const finite = buffers.slice(0, -1).every((array) => array.every((value) => Number.isFinite(value)));
    buffers[buffers.length - 1][0] = finite ? 0 : 1;
  },
  webgpu: (spec) => reducingWays("strided", (by, { limits }) => nonFiniteKernels(spec, by, limits)),
  cost: (spec) => ({
    flops: spec.inputs.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    bytes: bytesMoved(spec),
  }),
  samples: () => [
    { inputs: SHAPES },
    ...[3e38, Infinity, -Infinity, NaN].flatMap((value) =>
      SHAPES.map((_, tensor) => ({ inputs: SHAPES, fill: spoil(value, tensor) }))
    ),
    ...[0, MOST_TOGETHER - 1, MOST_TOGETHER, MANY.length - 1].map((tensor) => ({
      inputs: MANY,
      fill: spoil(NaN, tensor),
    })),
    { inputs: MANY },
    { inputs: [f32([3, 50_021])], fill: spoil(Infinity, 0) },
  ],
  badSamples: () => [
    { inputs: [], message: "expected at least one input" },
    { inputs: [f32([2]), u32([2])], message: "expected input 1 to be f32 [2]" },
  ],
});

/** The attributes of {@link lossScaleUpdate}. */
export type LossScaleAttributes = {
  /** The factor of the scale after `interval` good steps. */
  readonly growth: number;
  /** The factor of the scale after a bad step. */
  readonly backoff: number;
  /** The number of good steps in a row after which the scale grows. */
  readonly interval: number;
};

/** The scale grows only below this, so that it and its inverse are normal numbers. */
const LARGEST_SCALE = 2 ** 120;

/**
 * Adjusts the loss scale after a step and computes the factor of the step's gradients. Inputs: `scale` [] and `goodSteps` [],
 * which are updated in place; `nonFinite` [], 0 if the step is good. Output: `factor` [], 1/scale with the old scale if the step
 * is good, else 0, by which the update changes nothing.
 */
export const lossScaleUpdate: Op<LossScaleAttributes> = registerOp<LossScaleAttributes>({
  name: "lossScaleUpdate",
  attributes: { growth: 2, backoff: 0.5, interval: 2000 },
  updates: [0, 1],
  infer([scale, goodSteps, nonFinite], { growth, backoff, interval }) {
    expectSpec("lossScaleUpdate", "scale", scale, []);
    expectSpec("lossScaleUpdate", "goodSteps", goodSteps, []);
    expectSpec("lossScaleUpdate", "nonFinite", nonFinite, []);
    expectInteger("lossScaleUpdate", "interval", interval, 1);
    if (!(growth >= 1 && backoff > 0 && backoff < 1)) {
      throw new ShapeError(
        `lossScaleUpdate: expected growth to be at least 1 and backoff to be between 0 and 1 but they are ${growth} and ${backoff}`,
      );
    }
    return [f32([])];
  },
  reference:
    ({ attributes: { growth, backoff, interval } }) => ([scale, good, found, factor]: readonly NumericArray[]) => {
      const before = scale[0], steps = good[0] + 1;
      factor[0] = found[0] === 0 ? 1 / before : 0;
      if (found[0] !== 0) [scale[0], good[0]] = [before * backoff, 0];
      else if (steps < interval) good[0] = steps;
      else [scale[0], good[0]] = [before < LARGEST_SCALE ? before * growth : before, 0];
    },
  webgpu({ attributes: { growth, backoff, interval } }) {
    const body = `let before = scale[0];
  let steps = good[0] + 1.0;
  if (found[0] != 0.0) {
    factor[0] = 0.0;
    scale[0] = before * ${float(backoff)};
    good[0] = 0.0;
  } else {
    let enough = steps >= ${float(interval)};
    factor[0] = 1.0 / before;
    scale[0] = select(before, before * ${float(growth)}, enough && before < ${float(LARGEST_SCALE)});
    good[0] = select(steps, 0.0, enough);
  }`;
    return elementwiseKernels(1, ["scale!", "good!", "found", "factor!"], body);
  },
  cost: (spec) => ({ flops: 3, bytes: bytesMoved(spec) }),
  samples: () =>
    [[2 ** 16, 0, 0], [2 ** 16, 1998, 0], [2 ** 16, 1999, 0], [2 ** 16, 1999, 1], [0.25, 3, 1], [2 ** 121, 1999, 0]]
      .map((
        numbers,
      ) => ({
        inputs: [f32([]), f32([]), f32([])],
        fill: (arrays: readonly NumericArray[]) => numbers.forEach((value, k) => arrays[k][0] = value),
      })),
  badSamples: () => [
    { inputs: [f32([]), f32([]), f32([1])], message: "expected nonFinite to be f32 []" },
    { inputs: [f32([]), f32([]), f32([])], attributes: { backoff: 1 }, message: "backoff to be between 0 and 1" },
    { inputs: [f32([]), f32([]), f32([])], attributes: { interval: 0 }, message: "expected interval to be a whole" },
  ],
});
