/** Batch norm on the CPU: the arguments of `core/cpu/wasm/assembly/batch_norm.ts` and `batch_norm_gradient.ts`. */

import type { CpuArgument, CpuStages } from "../../core/mod.ts";
import { splitChannels } from "../../kernels/mod.ts";
import type { BatchNormAttributes, Epilogue, Extents, FusedActivation } from "./norm_shape.ts";

/** Floats of a part's statistics: three float64. */
const PART_FLOATS = 6;
/** Floats of a channel's joined statistics, and of a part's sums in the gradients: two float64. */
const JOINED_FLOATS = 4;
/** Floats of memory of a running task. */
const SCRATCH = 16;

/** The form of a kernel behind or before an activation, and the ceiling; the form without one is 0. */
function activationArguments(activation: FusedActivation | undefined): [number, CpuArgument] {
  if (activation === undefined) return [0, { float: Infinity }];
  return [activation.ceiling === Infinity ? 1 : 3, { float: activation.ceiling }];
}

/** Everything that normalisation reads and writes, by training or by running statistics: `mean` and `variance`. */
function applyArguments(
  epilogue: Epilogue,
  epsilon: number,
  mean: CpuArgument = { buffer: 3 },
  variance: CpuArgument = { buffer: 4 },
): CpuArgument[] {
  const [form, ceiling] = activationArguments(epilogue.activation), residual = epilogue.residual ? { buffer: 5 } : 0;
  return [
    ...[0, 1, 2].map((buffer) => ({ buffer })),
    mean,
    variance,
    residual,
    { buffer: epilogue.residual ? 6 : 5 },
    { float: epsilon },
    epilogue.residual ? 2 : form,
    ceiling,
  ];
}

/** Batch norm in training: in one stage where channels stay in the cache, else statistics in parts first. */
export function trainingKernel(
  e: Extents,
  epilogue: Epilogue,
  { momentum, epsilon }: BatchNormAttributes,
): CpuStages {
  const outputs = epilogue.residual ? 6 : 5;
  return normKernel(e, 0, applyArguments(epilogue, epsilon), [
    { float: momentum },
    { buffer: outputs + 1 },
    { buffer: outputs + 2 },
  ]);
}

/**
 * Batch norm in training once more: the same kernels, since they go on with statistics in float64, of which the forward pass
 * leaves float32. What they say about the running and the batch's statistics is left in the workspace.
 */
export function recomputeKernel(e: Extents, epilogue: Epilogue, epsilon: number): CpuStages {
  const unread = { workspace: 0 };
  return normKernel(e, e.channels + e.channels % 2, applyArguments(epilogue, epsilon, unread, unread), [
    { float: 0 },
    unread,
    unread,
  ]);
}

/** The stages of batch norm in training, after some floats of workspace that belong to its arguments. */
function normKernel(e: Extents, first: number, apply: readonly CpuArgument[], rest: readonly CpuArgument[]): CpuStages {
  const split = splitChannels(e), joined = first + PART_FLOATS * e.channels * split.parts;
  const call = [...split.arguments, ...apply, ...rest, { workspace: first }, { workspace: joined }];
  const stage = { tasks: split.tasks, arguments: call };
  if (split.parts === 1) return { workspace: first, scratch: SCRATCH, stages: [{ kernel: "batchNorm", ...stage }] };
  return {
    workspace: joined + JOINED_FLOATS * e.channels,
    scratch: SCRATCH,
    stages: [
      { kernel: "batchNormStatistics", ...stage },
      { kernel: "batchNormJoin", ...stage, tasks: e.channels },
      { kernel: "batchNormApply", ...stage },
    ],
  };
}

/** The mean and the biased variance of every channel of the op's input: its outputs. */
export function momentsKernel(e: Extents): CpuStages {
  const split = splitChannels(e), unread = 0, real = { float: 0 };
  const call = [
    ...split.arguments,
    { buffer: 0 },
    ...Array<CpuArgument>(6).fill(unread),
    real,
    unread,
    ...[real, real],
    ...[{ buffer: 1 }, { buffer: 2 }, { workspace: 0 }],
  ];
  return {
    workspace: PART_FLOATS * e.channels * split.parts,
    scratch: SCRATCH,
    stages: [
      { kernel: "batchNormStatistics", tasks: split.tasks, arguments: call },
      { kernel: "batchNormMoments", tasks: e.channels, arguments: call },
    ],
  };
}

/** Batch norm by the running statistics. */
export function inferenceKernel(e: Extents, epilogue: Epilogue, epsilon: number): CpuStages {
  const split = splitChannels(e);
  return {
    stages: [{
      kernel: "batchNormInference",
      tasks: split.tasks,
      arguments: [...split.arguments, ...applyArguments(epilogue, epsilon)],
    }],
  };
}

/** The buffers of a gradient, by number. */
export interface GradientBuffers {
  /** The activation between, if there is one. */
  readonly activation?: FusedActivation;
  /** The output of the activation. */
  readonly output?: number;
  /** The norm's input. */
  readonly x: number;
  /** The mean. */
  readonly mean: number;
  /** 1/√(variance + ε), or the variance where `epsilon` is given. */
  readonly deviation: number;
  /** Gamma. */
  readonly gamma: number;
  /** The input's gradient; those of gamma and beta follow. */
  readonly dx: number;
  /** What is added to a constant variance: the statistics have no gradient. */
  readonly epsilon?: number;
}

/** The gradient of batch norm, whose first input is dy: in one stage where channels stay in the cache, else sums first. */
export function gradientKernel(
  e: Extents,
  { activation, output, x, mean, deviation, gamma, dx, epsilon }: GradientBuffers,
): CpuStages {
  const [form, ceiling] = activationArguments(activation);
  const split = splitChannels(e), partial = JOINED_FLOATS * e.channels * split.parts;
  const stage = {
    tasks: split.tasks,
    arguments: [
      ...split.arguments,
      { buffer: 0 },
      output === undefined ? 0 : { buffer: output },
      ...[x, mean, deviation, gamma, dx, dx + 1, dx + 2].map((buffer) => ({ buffer })),
      epsilon !== undefined ? 2 : form,
      { float: epsilon ?? 0 },
      ceiling,
      { workspace: 0 },
      { workspace: partial },
    ],
  };
  if (split.parts === 1) return { scratch: SCRATCH, stages: [{ kernel: "batchNormGradient", ...stage }] };
  return {
    workspace: partial + JOINED_FLOATS * e.channels,
    stages: [
      { kernel: "batchNormGradientSums", ...stage },
      { kernel: "batchNormGradientJoin", ...stage, tasks: e.channels },
      { kernel: "batchNormGradientApply", ...stage },
    ],
  };
}
