/** Shared parts of the losses over rows of logits, whose outputs are the mean of the rows' losses and the probabilities. */

import {
  f32,
  float,
  type Implementation,
  linearWorkgroups,
  type NumericArray,
  type ReferenceKernel,
} from "../core/mod.ts";
import { type ReduceBy, reducingWays, sumKernel } from "../kernels/mod.ts";

/** Batches and classes that the losses are checked on. */
export const LOSS_SAMPLES: readonly (readonly [number, number])[] = [[1, 2], [5, 10], [3, 7], [70, 3], [4, 100]];

/** The reference kernel. `lossOfRow` writes the probabilities of row `n` and returns its loss. */
export function rowLossReference(
  batch: number,
  lossOfRow: (buffers: readonly NumericArray[], n: number) => number,
): ReferenceKernel {
  return (buffers) => {
    let total = 0;
    for (let n = 0; n < batch; n++) total += lossOfRow(buffers, n);
    buffers[2][0] = total / batch;
  };
}

/**
 * The variant of a workgroup a row, then a kernel for the mean.
 *
 * @param targets The kernel's name of the second input.
 * @param wgsl WGSL that writes `p` and `rows` from `x` and the targets, whose workgroups join values in a way.
 */
export function rowLossKernels(batch: number, targets: string, wgsl: (by: ReduceBy) => string): Implementation {
  return reducingWays("workgroup a row", (by, { limits }) => ({
    workspace: [f32([batch])],
    kernels: [{
      wgsl: wgsl(by),
      bindings: [
        { name: "x", index: 0 },
        { name: targets, index: 1 },
        { name: "p", index: 3, write: true },
        { name: "rows", index: 4, write: true },
      ],
      workgroups: linearWorkgroups(batch, limits, 1),
    }, sumKernel(batch, float(1 / batch), 4, 2, by)],
  }));
}
