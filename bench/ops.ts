/** Where a training step or an inference spends its time, op by op: `deno task bench --ops`. */

import { explain } from "../cli/disk.ts";
import { formatProfile, profileJson } from "../cli/profile_report.ts";
import { type Backend, StepProfiler, type TuneOptions } from "../core/mod.ts";
import { compileFoldedInference, Trainer, Variables } from "../train/mod.ts";
import type { randomBatch } from "./_work.ts";

/** Steps before the first that is profiled, and steps that are. */
const WARM_UP = 2, STEPS = 5;

/** What is profiled, and how kernels are chosen. */
export interface ProfileOptions {
  /** A file that the profile is written to as a trace. */
  readonly trace?: string;
  /** How kernels are chosen. */
  readonly tune?: TuneOptions;
  /** Whether an inference is profiled, as `predict` runs it: batch norm folded into the convolutions. */
  readonly inference?: boolean;
}

/**
 * Prints a table of the ops of a training step, or of an inference, the slowest first.
 *
 * @throws {DataError} If it cannot be written.
 */
export async function profileOps(
  backend: Backend,
  { model, images, labels }: ReturnType<typeof randomBatch>,
  batch: number,
  { trace, tune, inference = false }: ProfileOptions = {},
): Promise<void> {
  const file = trace === undefined ? undefined : await openTrace(trace);
  const peaks = await backend.measurePeaks();
  const trainer = await Trainer.create({ model, backend, batch, tune }), profiler = new StepProfiler();
  if (inference) {
    const folded = new Variables(), tensors = await trainer.variables.read(false);
    const program = await compileFoldedInference(model, backend, batch, folded, tensors, model.name, { tune });
    program.write("image", images);
    for (let step = 0; step < WARM_UP; step++) program.run();
    await program.read("logits");
    await profileSteps(profiler, () => profiler.run(program), () => program.read("logits"));
    program.destroy();
    folded.destroy();
  } else {
    for (let step = 0; step < WARM_UP; step++) trainer.step(images, labels, 0.01);
    await trainer.results();
    await profileSteps(
      profiler,
      () => trainer.profile(profiler, images, labels, 0.01),
      () => trainer.results(),
    );
  }
  trainer.destroy();
  const profile = { device: backend.description, peaks, steps: profiler.steps };
  console.log(`${inference ? "An inference" : "A training step"} of ${model.name}, batch ${batch}`);
  console.log(formatProfile(profile, 0));
  if (file === undefined) return;
  await new Blob([profileJson(profile)]).stream().pipeTo(file.writable);
  console.log(`${trace} opens in https://ui.perfetto.dev`);
}

async function profileSteps(
  profiler: StepProfiler,
  compute: () => Promise<void>,
  read: () => Promise<unknown>,
): Promise<void> {
  for (let step = 0; step < STEPS; step++) {
    await profiler.step(`step ${step + 1}`, async () => {
      await profiler.span("compute", compute);
      await profiler.span("read results", read);
    });
  }
}

/** Opens the file of a trace, before there is anything to lose. */
async function openTrace(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, create: true, truncate: true });
  } catch (error) {
    throw explain(error instanceof Deno.errors.NotFound ? "the folder of the trace" : "the trace", path, error);
  }
}
