/** The second half of every form of batch norm: y = x·scale + shift (+ residual), then maybe ReLU or ReLU6. */

import {
  implement,
  type Implementation,
  type KernelFamily,
  type NumericArray,
  reluWgsl,
  type WebGpuKernel,
} from "../../core/mod.ts";
import type { Epilogue, Extents } from "./norm_shape.ts";
import { longestRun, UNIT_RULES } from "./rules.ts";
import { unitSize, unitsKernel, type UnitWork } from "./units.ts";

/** One channel of one image. */
export function applyPlane(
  { activation }: Epilogue,
  x: NumericArray,
  residual: NumericArray | undefined,
  y: NumericArray,
  from: number,
  to: number,
  mean: number,
  scale: number,
  shift: number,
): void {
  if (activation === undefined) {
    for (let i = from; i < to; i++) y[i] = (x[i] - mean) * scale + shift;
    return;
  }
  const { ceiling } = activation;
  for (let i = from; i < to; i++) {
    const value = (x[i] - mean) * scale + shift + (residual === undefined ? 0 : residual[i]);
    y[i] = value > 0 ? (value < ceiling ? value : ceiling) : value !== value ? value : 0;
  }
}

/** WGSL of unit `i` of y, given `mean`, `scale` and `shift`. */
export function applyWgsl(e: Extents, { activation, residual }: Epilogue): string {
  return `let value = (x[i] - mean) * scale + shift${residual ? " + residual[i]" : ""};
    y[i] = ${activation === undefined ? "value" : reluWgsl("value", unitSize(e), activation.ceiling)};`;
}

/** A thread a run of units: of one, or of as many as divide a plane. */
const ELEMENTWISE: KernelFamily<UnitWork, { readonly run: number }> = {
  name: "elementwise",
  version: 1,
  supports: () => true,
  configurations: ({ extents }) => [...new Set([1, longestRun(extents)])].map((run) => ({ run })),
  nameOf: ({ run }) => run === 1 ? "elementwise" : `elementwise, runs of ${run}`,
  emit: (work, { run }, { limits }) => ({ kernels: [unitsKernel(work, run, limits)] }),
};

/**
 * How y can be computed on WebGPU.
 *
 * @param statistics WGSL that declares `mean` and `inverseStd` of channel `c`.
 * @param bindings Where the statistics are.
 * @param residual The index of the residual, if there is one.
 * @param output The index of y.
 */
export function applyKernels(
  e: Extents,
  epilogue: Epilogue,
  statistics: string,
  bindings: WebGpuKernel["bindings"],
  residual: number,
  output: number,
): Implementation {
  const vector = unitSize(e) === 4;
  const work = {
    extents: e,
    channel: `${statistics} let scale = inverseStd * gamma[c]; let shift = beta[c];`,
    unit: applyWgsl(e, epilogue),
    bindings: [
      { name: "x", index: 0, vector },
      { name: "gamma", index: 1 },
      { name: "beta", index: 2 },
      ...bindings,
      ...(epilogue.residual ? [{ name: "residual", index: residual, vector }] : []),
      { name: "y", index: output, write: true, vector },
    ],
  };
  return implement(work, [ELEMENTWISE], UNIT_RULES);
}
