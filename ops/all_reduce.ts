/** Sums over all ranks that compute together: the one op whose results other programs have a part in. */

import {
  bytesMoved,
  elementCount,
  elementKernel,
  expectSpec,
  f32,
  oneWay,
  type Op,
  registerOp,
  ShapeError,
  type Transport,
  u32,
} from "../core/mod.ts";

/**
 * The sums of each input over all ranks. Inputs: any number of f32 tensors of any shapes. Outputs: as many, of the same shapes.
 * They begin to be summed where the op stands, in one run, and are waited for where the first of them is read. A loss that is
 * a sum over ranks depends on each rank's inputs by all ranks' outputs, so the gradient is the same sum of the outputs'
 * gradients. `transport` says how they travel. Where a program has no {@link Collective} there is one rank, and the inputs are copied.
 */
export const allReduce: Op<{ readonly transport: Transport }> = registerOp({
  name: "allReduce",
  attributes: { transport: "float32" as Transport },
  sumsOverRanks: true,
  infer(inputs, { transport }) {
    if (transport !== "float32" && transport !== "float16") {
      throw new ShapeError(`allReduce: expected transport to be float32 or float16 but it is ${transport}`);
    }
    if (inputs.length === 0) throw new ShapeError("allReduce: expected at least one input but there is none");
    inputs.forEach((input, index) => expectSpec("allReduce", `input ${index}`, input, input.shape));
    return [...inputs];
  },
  gradient(graph, { results, attributes }, outputGradients) {
    const given = results.flatMap((_, index) => outputGradients[index] === undefined ? [] : [index]);
    const sums = allReduce.apply(graph, given.map((index) => outputGradients[index]!), attributes);
    return results.map((_, index) => given.includes(index) ? sums[given.indexOf(index)] : undefined);
  },
  reference: ({ inputs: { length } }) => (buffers) => {
    for (let k = 0; k < length; k++) buffers[length + k].set(buffers[k]);
  },
  webgpu: ({ inputs }) =>
    oneWay("copies", ({ limits }) =>
      inputs.map(({ shape }, index) => {
        const bindings = [{ name: "x", index, vector: true }, {
          name: "y",
          index: inputs.length + index,
          vector: true,
          write: true,
        }];
        const elements = { count: Math.ceil(elementCount(shape) / 4), body: "y[i] = x[i];", iterations: 1 };
        return elementKernel(elements, bindings, limits);
      })),
  cost: (spec) => ({
    flops: spec.inputs.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    bytes: bytesMoved(spec),
  }),
  samples: () =>
    [[[]], [[7]], [[3, 5, 7], [1], [16]], [[64, 3, 3, 3], [5, 3347]]].map((shapes) => ({
      inputs: shapes.map((shape) => f32(shape)),
    })),
  badSamples: () => [
    { inputs: [], message: "expected at least one input" },
    { inputs: [f32([2]), u32([3])], message: "expected input 1 to be f32 [3]" },
    { inputs: [f32([2])], attributes: { transport: "float8" as Transport }, message: "float32 or float16" },
  ],
});
