/** The time of each op of a training step or an inference: `deno task bench --ops`. */

import { explain } from "../files/disk_error.ts";
import { formatProfile, profileJson } from "../cli/reports/profile_report.ts";
import { type Backend, f32, Graph, type ProfiledStep, StepProfiler, type TuneOptions } from "../core/mod.ts";
import { compileFoldedInference } from "../inference/mod.ts";
import { Trainer } from "../train/mod.ts";
import { Variables } from "../weights/mod.ts";
import type { randomBatch } from "./_work.ts";

/** The fewest steps before the profiled ones, and of profiled steps; the most of each. */
const WARM_UP = 2, STEPS = 5, MOST_STEPS = 100;
/** Milliseconds that short steps are repeated for: an engine takes long to compile at its best what steps run. */
const LEAST_MS = 1000;

/** The options of a profile. */
export interface OpsOptions {
  /** The file to which the profile is written as a trace. */
  readonly trace?: string;
  /** How kernels are chosen. */
  readonly tune?: TuneOptions;
  /** Whether an inference is profiled, as `predict` runs it: batch norm folded into the convolutions. */
  readonly inference?: boolean;
}

/**
 * Prints a table of the ops of a training step, or of an inference, the slowest first.
 *
 * @throws {DataError} If the trace cannot be written.
 */
export async function profileOps(
  backend: Backend,
  work: ReturnType<typeof randomBatch>,
  batch: number,
  { trace, tune, inference = false }: OpsOptions = {},
): Promise<void> {
  const file = trace === undefined ? undefined : await openTrace(trace);
  const peaks = await backend.measurePeaks();
  const steps = await (inference ? profileInference : profileTraining)(backend, work, batch, tune);
  const profile = { device: backend.description, peaks, steps };
  console.log(`${inference ? "An inference" : "A training step"} of ${work.model.name}, batch ${batch}`);
  console.log(formatProfile(profile, 0));
  if (file === undefined) return;
  await new Blob([profileJson(profile)]).stream().pipeTo(file.writable);
  console.log(`${trace} opens in https://ui.perfetto.dev`);
}

async function profileTraining(
  backend: Backend,
  { model, images, labels }: ReturnType<typeof randomBatch>,
  batch: number,
  tune?: TuneOptions,
): Promise<readonly ProfiledStep[]> {
  const trainer = await Trainer.create({ model, backend, batch, tune }), profiler = new StepProfiler();
  await repeat(WARM_UP, async () => {
    trainer.step({ images, labels }, 0.01);
    await trainer.results();
  });
  const compute = () => trainer.profile(profiler, { images, labels }, 0.01);
  await profileSteps(profiler, compute, () => trainer.results());
  trainer.destroy();
  return profiler.steps;
}

async function profileInference(
  backend: Backend,
  { model, images }: ReturnType<typeof randomBatch>,
  batch: number,
  tune?: TuneOptions,
): Promise<readonly ProfiledStep[]> {
  const initial = new Variables(), folded = new Variables(), profiler = new StepProfiler();
  const graph = new Graph({ training: false });
  model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  initial.add(graph, backend, 0);
  const tensors = await initial.read(false);
  initial.destroy();
  const program = await compileFoldedInference(model, backend, batch, folded, tensors, model.name, { tune });
  program.write("image", images);
  await repeat(WARM_UP, async () => {
    program.run();
    await program.read("logits");
  });
  await profileSteps(profiler, () => profiler.run(program), () => program.read("logits"));
  program.destroy();
  folded.destroy();
  return profiler.steps;
}

async function profileSteps(
  profiler: StepProfiler,
  compute: () => Promise<void>,
  read: () => Promise<unknown>,
): Promise<void> {
  await repeat(STEPS, (step) =>
    profiler.step(`step ${step + 1}`, async () => {
      await profiler.span("compute", compute);
      await profiler.span("read results", read);
    }));
}

/** Runs a step at least so many times, and more of them while they take less than {@link LEAST_MS} in all. */
async function repeat(fewest: number, run: (step: number) => Promise<unknown>): Promise<void> {
  const end = performance.now() + LEAST_MS;
  for (let step = 0; step < fewest || step < MOST_STEPS && performance.now() < end; step++) await run(step);
}

/** Opens the file of a trace before the work, so that an error loses nothing. */
async function openTrace(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, create: true, truncate: true });
  } catch (error) {
    throw explain(error instanceof Deno.errors.NotFound ? "the folder of the trace" : "the trace", path, error);
  }
}
