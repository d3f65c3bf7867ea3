/** What the losses over rows of logits share: the mean of the rows' losses, beside the probabilities. */

import {
  f32,
  float,
  type Implementation,
  linearWorkgroups,
  type NumericArray,
  oneWay,
  type ReferenceKernel,
} from "../core/mod.ts";
import { sumKernel } from "../kernels/mod.ts";

/** Batches and classes that the losses are checked on. */
export const LOSS_SAMPLES: readonly (readonly [number, number])[] = [[1, 2], [5, 10], [3, 7], [70, 3], [4, 100]];

/** The reference. `lossOfRow` writes the probabilities of row `n`, and gives its loss. */
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
 * A workgroup a row, then the mean.
 *
 * @param targets What the kernel calls the second input.
 * @param wgsl Writes `p` and `rows` from `x` and the targets.
 */
export function rowLossKernels(batch: number, targets: string, wgsl: string): Implementation {
  return oneWay("workgroup a row", ({ limits }) => ({
    workspace: [f32([batch])],
    kernels: [{
      wgsl,
      bindings: [
        { name: "x", index: 0 },
        { name: targets, index: 1 },
        { name: "p", index: 3, write: true },
        { name: "rows", index: 4, write: true },
      ],
      workgroups: linearWorkgroups(batch, limits, 1),
    }, sumKernel(batch, float(1 / batch), 4, 2)],
  }));
}
