/** Where a training step spends its time, op by op: `deno task bench --ops`. */

import { explain } from "../cli/disk.ts";
import { formatProfile, profileJson } from "../cli/profile_report.ts";
import { type Backend, StepProfiler, type TuneOptions } from "../core/mod.ts";
import { Trainer } from "../train/mod.ts";
import type { randomBatch } from "./_work.ts";

/** Steps before the first that is profiled, and steps that are. */
const WARM_UP = 2, STEPS = 5;

/**
 * Prints a table of the ops of a training step, the slowest first.
 *
 * @param options `trace`: a file that the profile is written to as a trace; `tune`: how kernels are chosen.
 * @throws {DataError} If it cannot be written.
 */
export async function profileOps(
  backend: Backend,
  { model, images, labels }: ReturnType<typeof randomBatch>,
  batch: number,
  { trace, tune }: { readonly trace?: string; readonly tune?: TuneOptions } = {},
): Promise<void> {
  const file = trace === undefined ? undefined : await openTrace(trace);
  const peaks = await backend.measurePeaks();
  const trainer = await Trainer.create({ model, backend, batch, tune }), profiler = new StepProfiler();
  for (let step = 0; step < WARM_UP; step++) trainer.step(images, labels, 0.01);
  await trainer.results();
  for (let step = 0; step < STEPS; step++) {
    await profiler.step(`step ${step + 1}`, async () => {
      await profiler.span("compute", () => trainer.profile(profiler, images, labels, 0.01));
      await profiler.span("read results", () => trainer.results());
    });
  }
  trainer.destroy();
  const profile = { device: backend.description, peaks, steps: profiler.steps };
  console.log(`A training step of ${model.name}, batch ${batch}`);
  console.log(formatProfile(profile, 0));
  if (file === undefined) return;
  await new Blob([profileJson(profile)]).stream().pipeTo(file.writable);
  console.log(`${trace} opens in https://ui.perfetto.dev`);
}

/** Opens the file of a trace, before there is anything to lose. */
async function openTrace(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, create: true, truncate: true });
  } catch (error) {
    throw explain(error instanceof Deno.errors.NotFound ? "the folder of the trace" : "the trace", path, error);
  }
}
