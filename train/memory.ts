/** The memory of training, found by planning alone, and the batches that fit. */

import {
  argument,
  type Backend,
  eitherOf,
  f32,
  Graph,
  type MemoryNeed,
  OutOfMemoryError,
  plan,
  SCALAR_CAPACITY,
  sentence,
  ShapeError,
} from "../core/mod.ts";
import { variableSpecs } from "../weights/mod.ts";
import type { HeadStep } from "./head.ts";
import { type StepOptions, type TracedStep, traceStep } from "./traced_step.ts";

/** The options of {@link trainingNeed}. */
export interface PlannedTraining extends StepOptions {
  /** Where it is to run. */
  readonly backend: Backend;
  /** Whether the backward pass computes activations again. Defaults to false. */
  readonly recompute?: boolean;
  /** Whether the program that validates is there too, for as many images as a part. Defaults to false. */
  readonly validation?: boolean;
  /** What stays in another step that is there too, of the same batches. Defaults to none. */
  readonly head?: HeadStep;
}

/**
 * The memory of training: variables, programs, and images that are kept on the device. Nothing is allocated.
 *
 * @param options What is trained, and where.
 * @throws {UsageError} If a batch does not fall into that number of parts.
 *
 * @example
 * ```ts
 * import { CpuBackend } from "@residua/residua/core";
 * import { cifarResNet } from "@residua/residua/models";
 * import { trainingNeed } from "@residua/residua/train";
 * const options = { model: cifarResNet({ depth: 20 }), backend: new CpuBackend(), batch: 128 };
 * const kept = trainingNeed(options), again = trainingNeed({ ...options, recompute: true });
 * console.log(again.total < kept.total / 2); // true
 * ```
 */
export function trainingNeed(options: PlannedTraining): MemoryNeed {
  const { backend, batch, accumulate = 1, head, validation = false } = options;
  const step = traceStep(options), { graph, updates } = step, lean = updates !== undefined;
  const needs = stepNeeds(options, step);
  if (head !== undefined) needs.push(...stepNeeds(options, traceStep({ ...options, ...head })));
  if (validation) needs.push(inferenceNeed({ ...options, batch: batch / accumulate, lean }));
  const variables = new Map([...variableSpecs(graph), ...(updates === undefined ? [] : variableSpecs(updates))]);
  for (const spec of variables.values()) {
    const bytes = backend.allocatedBytes(spec);
    needs.push({ total: bytes, tensor: bytes });
  }
  return {
    total: needs.reduce((sum, { total }) => sum + total, 0),
    tensor: needs.reduce((most, { tensor }) => Math.max(most, tensor), 0),
  };
}

function stepNeeds(
  { backend, recompute, collective }: PlannedTraining,
  { graph, scalars, updates }: TracedStep,
): MemoryNeed[] {
  const recorded = new Map(Object.entries(scalars)), lean = updates !== undefined;
  const planned = plan(graph, recorded, { recompute, lean });
  const needs = [backend.memoryNeed(planned, { scalars: [...recorded.keys()], collective })];
  if (updates !== undefined) needs.push(backend.memoryNeed(plan(updates, new Map()), { scalars: [], collective }));
  return needs;
}

/** The memory of the program that computes the logits of a batch, beside its variables. Nothing is allocated. */
export function inferenceNeed(
  { model, backend, batch, precision, lean }: Pick<PlannedTraining, "model" | "backend" | "batch" | "precision"> & {
    readonly lean?: boolean;
  },
): MemoryNeed {
  const graph = new Graph({ training: false, precision });
  const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  return backend.memoryNeed(plan(graph, new Map([["logits", logits]]), { lean }), { scalars: [] });
}

/**
 * The reason why a program does not fit; nothing if it fits.
 *
 * @param available The bytes that are known to be there. Defaults to as many as the backend says.
 */
export function excessMemory(
  { total, tensor }: MemoryNeed,
  backend: Backend,
  available: number = Infinity,
): string | undefined {
  const { capacity, liveBytes } = backend;
  if (tensor > capacity.tensor) {
    return `a tensor takes ${mebibytes(tensor)} MiB, of at most ${mebibytes(capacity.tensor)} MiB`;
  }
  const free = Math.min(capacity.total, available) - liveBytes;
  return total > free ? `it takes ${mebibytes(total)} MiB, of ${mebibytes(free)} MiB` : undefined;
}

/** Whether training fits, as far as planning tells. A part that is too small for a variance does not. */
export function trainingFits(options: PlannedTraining, available: number = Infinity): boolean {
  try {
    return excessMemory(trainingNeed(options), options.backend, available) === undefined;
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
}

/** The numbers of equal parts into which a batch may fall, fewest first. */
export function partsOf(batch: number): number[] {
  return Array.from({ length: Math.min(batch, SCALAR_CAPACITY) }, (_, index) => index + 1)
    .filter((parts) => batch % parts === 0);
}

/**
 * The error for training that does not fit: it names the largest batch that fits, found by planning, and other ways out.
 *
 * @param error The error of the device; absent where planning alone found that training does not fit.
 */
export function explainMemory(
  options: PlannedTraining,
  error?: OutOfMemoryError,
): OutOfMemoryError {
  const { model, backend, batch, accumulate = 1, recompute = false } = options, part = batch / accumulate;
  const available = error?.available ?? Infinity;
  const reason = excessMemory(trainingNeed(options), backend, available) ?? error?.message ?? "";
  const fits = (changes: Partial<PlannedTraining>) => trainingFits({ ...options, ...changes }, available);
  let largest = 0;
  for (let above = part; above - largest > 1;) {
    const middle = (largest + above) >> 1;
    if (fits({ batch: middle * accumulate })) largest = middle;
    else above = middle;
  }
  const parts = partsOf(batch).find((parts) => parts > accumulate && fits({ accumulate: parts }));
  const ways = [
    ...(largest > 0 ? [argument("batch", largest * accumulate)] : []),
    ...(parts === undefined ? [] : [argument("accumulate", parts)]),
    ...(!recompute && fits({ recompute: true }) ? [argument("recompute", true)] : []),
  ];
  const what = accumulate === 1 ? `a batch of ${batch}` : `a part of ${part} images`;
  const most = largest === 0 ? "not even one image fits" : `the largest that fits is ${largest}`;
  const problem = `${model.name} cannot be trained on ${what}: ${reason}; ${most}`;
  return new OutOfMemoryError(
    ways.length === 0 ? problem : sentence`${problem}, so use ${eitherOf(ways)}`,
    available,
  );
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
