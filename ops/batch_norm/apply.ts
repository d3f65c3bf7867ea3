/** The second half of every form of batch norm: y = x·scale + shift (+ residual), then maybe ReLU. */

import { linearWorkgroups, type NumericArray, type WebGpuLimits, type WebGpuPass } from "../../core/mod.ts";
import { elementwise } from "../../core/mod.ts";
import type { Epilogue, Extents } from "./common.ts";

/** One channel of one image. */
export function applyPlane(
  epilogue: Epilogue,
  x: NumericArray,
  residual: NumericArray | undefined,
  y: NumericArray,
  from: number,
  to: number,
  mean: number,
  scale: number,
  shift: number,
): void {
  if (!epilogue.relu) { for (let i = from; i < to; i++) y[i] = (x[i] - mean) * scale + shift; }
  else if (residual === undefined) {
    for (let i = from; i < to; i++) {
      const value = (x[i] - mean) * scale + shift;
      y[i] = value > 0 ? value : value !== value ? value : 0;
    }
  } else {
    for (let i = from; i < to; i++) {
      const value = (x[i] - mean) * scale + shift + residual[i];
      y[i] = value > 0 ? value : value !== value ? value : 0;
    }
  }
}

/**
 * The WebGPU pass.
 *
 * @param statistics WGSL that declares `mean` and `inverseStd` of channel `c`.
 * @param bindings Where the statistics are.
 * @param residual The index of the residual, if there is one.
 * @param output The index of y.
 */
export function applyPass(
  { batch, channels, plane }: Extents,
  epilogue: Epilogue,
  limits: WebGpuLimits,
  statistics: string,
  bindings: WebGpuPass["bindings"],
  residual: number,
  output: number,
): WebGpuPass {
  const count = batch * channels * plane;
  return {
    wgsl: elementwise(
      count,
      `let c = i / ${plane}u % ${channels}u;
  ${statistics}
  let value = (x[i] - mean) * (inverseStd * gamma[c]) + beta[c]${epilogue.residual ? " + residual[i]" : ""};
  y[i] = ${epilogue.relu ? "max(value, 0.0)" : "value"};`,
    ),
    bindings: [
      { name: "x", index: 0 },
      { name: "gamma", index: 1 },
      { name: "beta", index: 2 },
      ...bindings,
      ...(epilogue.residual ? [{ name: "residual", index: residual }] : []),
      { name: "y", index: output, write: true },
    ],
    workgroups: linearWorkgroups(count, limits),
  };
}
