/** What a run needs before its first step: its schedule, its programs, how its images are normalised. */

import { balancedClassWeights, measureImages, MemoryDataset, type Normalisation } from "../data/mod.ts";
import { Profiling } from "./_profiling.ts";
import { createPrograms, type RunPrograms } from "./_programs.ts";
import type { RunLength } from "./_run_length.ts";
import type { FitOptions } from "./fit_options.ts";
import { type HeadStep, headStep } from "./head.ts";
import { inputsFor } from "./inputs/inputs_for.ts";
import { headFirst } from "./schedules/head_first.ts";
import { createSchedule, type Schedule } from "./schedules/schedule.ts";

/** What a run needs before its first step. */
export interface PreparedRun extends RunPrograms {
  /** The schedule, where the run stands. */
  readonly schedule: Schedule;
  /** The rate that it begins with. */
  readonly rate: number;
  readonly profiling?: Profiling;
  readonly classWeights?: readonly number[];
  readonly normalisation: Normalisation;
}

/**
 * Makes what a run needs; images that are read are measured meanwhile.
 *
 * @throws {OutOfMemoryError} If the programs do not fit: it names the largest batch that does.
 */
export async function prepareRun(options: FitOptions, length: RunLength): Promise<PreparedRun> {
  const { model, freeze, progress } = options;
  const head = length.headEpochs > (progress?.epochs ?? 0) ? headStep(model, freeze) : undefined;
  const measuring = measured(options);
  const [normalisation, prepared] = await bothInOrder(
    measuring,
    prepareSteps(options, length, head, measuring),
    ({ destroy }) => destroy(),
  );
  return { ...prepared, normalisation };
}

async function prepareSteps(
  options: FitOptions,
  length: RunLength,
  head: HeadStep | undefined,
  measuring: Promise<Normalisation>,
): Promise<Omit<PreparedRun, "normalisation">> {
  const { backend, set: { train: dataset, shape, classes }, augmentation, seed = 0, progress } = options;
  const { rate = options.optimizer?.defaultRate ?? 0.1 } = options;
  const schedule = scheduleOf(options, length, rate);
  if (progress !== undefined) schedule.restore(progress.schedule);
  const profiling = options.profile && await Profiling.create(options.profile, backend);
  // Only images in memory may lie on the device, by their normalisation; those that are read are measured meanwhile.
  const normalisation = dataset instanceof MemoryDataset ? await measuring : UNKNOWN;
  const ways = inputsFor(dataset, { shape, normalisation, augmentation, seed }, backend);
  const classWeights = options.classWeights === "balanced"
    ? balancedClassWeights(dataset.labels, classes.length)
    : options.classWeights;
  const given = { ...options, classWeights, batch: length.rankBatch, seed, head };
  const programs = await createPrograms(given, ways, options.accumulate ?? 1);
  return { schedule, rate, profiling, classWeights, ...programs };
}

/** The schedule of a run; that of the whole network begins after the epochs of the head. */
function scheduleOf(
  options: FitOptions,
  { epochs, headEpochs, stepsPerEpoch, totalSteps }: RunLength,
  rate: number,
): Schedule {
  const main = typeof options.schedule === "object" ? options.schedule : createSchedule({
    ...options,
    schedule: options.schedule ?? "step",
    rate,
    epochs: Math.max(1, epochs - headEpochs),
    stepsPerEpoch,
    steps: Math.max(1, totalSteps - headEpochs * stepsPerEpoch),
  });
  return headEpochs === 0 ? main : headFirst(main, { epochs: headEpochs, stepsPerEpoch, rate });
}

/** What stands for the normalisation of images that are read, where the programs are made: these do not depend on it. */
const UNKNOWN: Normalisation = { mean: [], std: [] };

async function measured(options: FitOptions): Promise<Normalisation> {
  const { normalisation, set, callbacks = [] } = options;
  const onProgress = (done: number, total: number) => {
    for (const callback of [...callbacks, options]) callback.onProgress?.({ activity: "statistics", done, total });
  };
  return normalisation ?? (await measureImages(set.train, set.shape, onProgress)).normalisation("channel");
}

/**
 * Waits for both, and fails as if the second had begun after the first.
 *
 * @param release Gives back what the second made, where the first failed.
 */
async function bothInOrder<A, B>(first: Promise<A>, second: Promise<B>, release: (made: B) => void): Promise<[A, B]> {
  const [one, other] = await Promise.allSettled([first, second]);
  if (one.status === "rejected") {
    if (other.status === "fulfilled") release(other.value);
    throw one.reason;
  }
  if (other.status === "rejected") throw other.reason;
  return [one.value, other.value];
}
