/** Dropout: sets random elements to 0 in a training step. A seed and a step counter choose them, alike on every backend. */

import {
  bytesMoved,
  elementCount,
  elementwise,
  expectSpec,
  f32,
  float,
  isFloat,
  linearWorkgroups,
  type NumericArray,
  oneWay,
  type Op,
  registerOp,
  ShapeError,
  type TensorSpec,
  u32,
} from "../core/mod.ts";
import { elementwiseKernels } from "../kernels/mod.ts";

/** The attributes of {@link dropout}. */
export type DropoutAttributes = {
  /** The probability with which an element becomes 0: from 0 to less than 1. */
  readonly rate: number;
};

/** Steps after which the masks repeat, since float32 counts no further. */
const PERIOD = 2 ** 24;

/** 32 random bits of an element, a step and a seed: the first word of pcg3d (Jarzynski and Olano 2020). */
function randomBits(element: number, step: number, seed: number): number {
  const lcg = (value: number) => (Math.imul(value, 1664525) + 1013904223) | 0;
  let x = lcg(element), y = lcg(step), z = lcg(seed);
  x = (x + Math.imul(y, z)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  return (x + Math.imul(y, z)) >>> 0;
}

const RANDOM_BITS_WGSL = `fn randomBits(element: u32, step: u32, seed: u32) -> u32 {
  var v = vec3<u32>(element, step, seed) * 1664525u + 1013904223u;
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v ^= v >> vec3<u32>(16u);
  return v.x + v.y * v.z;
}`;

/** Elements whose random bits are below this are dropped. */
function threshold(rate: number): number {
  return Math.floor(rate * 2 ** 32);
}

/** The factor of the elements that stay, which preserves the mean; rounded here once for both backends. */
function scale(rate: number): number {
  return Math.fround(1 / (1 - rate));
}

function expectRate(op: string, rate: number): void {
  if (rate >= 0 && rate < 1) return;
  throw new ShapeError(`${op}: expected rate to be from 0 to less than 1 but it is ${rate}`);
}

function expectInput(op: string, argument: string, spec: TensorSpec | undefined): TensorSpec {
  if (spec !== undefined && isFloat(spec)) return spec;
  throw new ShapeError(`${op}: expected ${argument} to be f32 of any shape but it is ${spec?.dtype ?? "missing"}`);
}

const SHAPES = [[1], [7], [3, 40], [2, 3, 5, 5], [5, 3347]], RATES = [0.2, 0.5, 0, 0.9, 0.2];

/** The gradient of {@link dropout}. Inputs: `outputGradient`, `kept` u32 of the same shape. Output: the gradient of the input. */
export const dropoutGradient: Op<DropoutAttributes> = registerOp<DropoutAttributes>({
  name: "dropoutGradient",
  attributes: { rate: 0.5 },
  float16Inputs: () => [0],
  infer([outputGradient, kept], { rate }) {
    expectInput("dropoutGradient", "outputGradient", outputGradient);
    expectSpec("dropoutGradient", "kept", kept, outputGradient.shape, "u32");
    expectRate("dropoutGradient", rate);
    return [outputGradient];
  },
  reference: ({ attributes: { rate } }) => ([dy, kept, dx]) => {
    for (let i = 0; i < dx.length; i++) dx[i] = kept[i] === 1 ? scale(rate) * dy[i] : 0;
  },
  webgpu({ outputs: [{ shape }], attributes: { rate } }) {
    const body = `dx[i] = select(0.0, ${float(scale(rate))} * dy[i], kept[i] == 1u);`;
    return elementwiseKernels(elementCount(shape), ["dy", "kept", "dx!"], body);
  },
  cost: (spec) => ({ flops: elementCount(spec.outputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    SHAPES.map((shape, index) => ({ inputs: [f32(shape), u32(shape)], attributes: { rate: RATES[index] } })),
  badSamples: () => [
    { inputs: [f32([2, 3]), u32([3, 2])], message: "expected kept to be u32 [2, 3]" },
    { inputs: [f32([2]), u32([2])], attributes: { rate: 1 }, message: "expected rate to be from 0 to less than 1" },
  ],
});

/**
 * Sets each element to 0 with the probability `rate` and divides the others by 1 - rate (Srivastava et al. 2014; scaled in
 * training, as `torch.nn.Dropout`). Inputs: `input`, float of any shape; `step` [], a counter that is incremented in place and
 * wraps at 2^24; `seed` [], of which only the bits matter. Outputs: one of the input's shape, and `kept`, u32, 1 where an
 * element stayed.
 */
export const dropout: Op<DropoutAttributes> = registerOp<DropoutAttributes>({
  name: "dropout",
  attributes: { rate: 0.5 },
  updates: [1],
  float16Inputs: () => [0],
  infer([input, step, seed], { rate }) {
    expectInput("dropout", "input", input);
    expectSpec("dropout", "step", step, []);
    expectSpec("dropout", "seed", seed, []);
    expectRate("dropout", rate);
    return [input, u32(input.shape)];
  },
  gradient: (graph, { results, attributes }, [outputGradient]) => [
    ...dropoutGradient.apply(graph, [outputGradient!, results[1]], attributes),
    undefined,
    undefined,
  ],
  // The gradient is the same masked product.
  recompute: ({ arguments: [input], results: [output, kept], attributes }) => ({
    op: dropoutGradient as unknown as Op,
    arguments: [input, kept],
    results: [output],
    attributes,
  }),
  reference: ({ attributes: { rate } }) => ([x, step, seed, y, kept]: readonly NumericArray[]) => {
    const seedBits = new Uint32Array(Float32Array.of(seed[0]).buffer)[0], limit = threshold(rate), factor = scale(rate);
    for (let i = 0; i < x.length; i++) {
      kept[i] = randomBits(i, step[0], seedBits) >= limit ? 1 : 0;
      y[i] = kept[i] === 1 ? factor * x[i] : 0;
    }
    step[0] = (step[0] + 1) % PERIOD;
  },
  webgpu({ inputs: [{ shape }], attributes: { rate } }) {
    const count = elementCount(shape);
    const mask = `let stays = randomBits(i, u32(step[0]), bitcast<u32>(seed[0])) >= ${threshold(rate)}u;
  kept[i] = u32(stays);
  y[i] = select(0.0, ${float(scale(rate))} * x[i], stays);`;
    return oneWay("elementwise", ({ limits }) => [{
      wgsl: elementwise(count, mask, RANDOM_BITS_WGSL),
      bindings: [
        { name: "x", index: 0 },
        { name: "step", index: 1 },
        { name: "seed", index: 2 },
        { name: "y", index: 3, write: true },
        { name: "kept", index: 4, write: true },
      ],
      workgroups: linearWorkgroups(count, limits),
    }, {
      // A separate kernel, since every thread of the first one reads the counter.
      wgsl: elementwise(1, `let next = step[0] + 1.0; step[0] = select(next, 0.0, next >= ${float(PERIOD)});`),
      bindings: [{ name: "step", index: 1, write: true }],
      workgroups: [1, 1, 1],
    }]);
  },
  cost: (spec) => ({ flops: elementCount(spec.outputs[0].shape), bytes: bytesMoved(spec) }),
  samples: () =>
    SHAPES.map((shape, index) => ({
      inputs: [f32(shape), f32([]), f32([])],
      attributes: { rate: RATES[index] },
      fill: ([, step, seed], random) => {
        step[0] = index === 0 ? PERIOD - 1 : random.integer(1000);
        seed[0] = random.uniform(-1, 1);
      },
    })),
  badSamples: () => [
    { inputs: [f32([2]), f32([1]), f32([])], message: "expected step to be f32 []" },
    { inputs: [f32([2]), f32([]), f32([])], attributes: { rate: 1 }, message: "expected rate to be from 0" },
    { inputs: [u32([2]), f32([]), f32([])], message: "expected input to be f32 of any shape" },
  ],
});
