/** Training as a function. */

import { defaultPreprocessing, identifyData, identifyFiles } from "../data/mod.ts";
import { batchesOf } from "./_batches.ts";
import { checkFit, checkProgress } from "./_check_fit.ts";
import { writeInitial } from "./_initial.ts";
import { TrainingLoop } from "./_loop.ts";
import { prepareRun } from "./_prepare.ts";
import { expectAgreement } from "./_rank_agreement.ts";
import { shareVariables } from "./_ranks.ts";
import { withResumeAdvice } from "./_resume_advice.ts";
import { runLength } from "./_run_length.ts";
import type { FitOptions, FitResult } from "./fit_options.ts";

/**
 * Trains a model on an image set: SGD over shuffled, augmented batches, validation and a checkpoint after every epoch.
 * The order, the augmentation and the first weights follow from the seed, so that a run repeats; and a run that goes on from
 * a checkpoint, at whichever step, ends with the same bits as one that never stopped.
 *
 * @throws {UsageError} If the set holds fewer images than a batch, or another kind of images than the model takes; if ranks
 * cannot divide a batch; if the head is to be trained first and cannot be, as `headStep` says; or if the run to go on with
 * had another batch.
 * @throws {OutOfMemoryError} If a batch does not fit: it names the largest that does.
 * @throws {DataError} If the run to go on with had other data or another model; or if a rank has other data or options than the
 * first one.
 * @throws {DeviceError} If steps are to be profiled and the device has no timestamps; or if the device, a thread or a worker
 * fails, is lost or hangs: the files of `folder` are whole then, and the run can go on from them.
 * @throws {NumericError} If the loss, the validation loss or a variable becomes infinite or NaN; no file holds such numbers.
 *
 * @example
 * ```ts
 * import { fit, modelByName, openBackend, shapesSet } from "@residua/residua";
 * using backend = await openBackend("cpu");
 * const model = modelByName("resnet8"), set = shapesSet({ trainCount: 40, validationCount: 10 });
 * const { last, steps } = await fit({
 *   model,
 *   backend,
 *   set,
 *   epochs: 2,
 *   batch: 20,
 *   onEpoch: ({ epoch, trainLoss }) => console.log(epoch, trainLoss),
 * });
 * console.log(steps, last!.validation.top1 <= 1); // 4 true
 * ```
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const { model, backend, set, seed = 0, progress, initial, folder, collective, checkpoints = {} } = options;
  const length = runLength(options), { batch, headEpochs } = length, named = identifyData(set);
  if (progress !== undefined) checkProgress(progress, batch, named, set.name);
  const data = { ...named, files: await identifyFiles(set, progress?.data.files) };
  checkFit(options, length);
  const prepared = await prepareRun(options, length);
  const { trainer, head, validation, normalisation, schedule, rate, classWeights, options: { accumulate } } = prepared;
  let loader: ReturnType<typeof batchesOf> | undefined;
  try {
    loader = batchesOf(options, length, prepared);
    await writeInitial(trainer, options);
    await expectAgreement(options, { data, batch, headEpochs, rate, seed, classWeights, accumulate, normalisation });
    await shareVariables(trainer.variables, collective);
    const info = {
      model: options.description ?? { name: model.name, classes: model.classes },
      classes: set.classes,
      normalisation,
      preprocessing: defaultPreprocessing(model.inputShape),
    };
    if (progress !== undefined && initial !== undefined) {
      await folder?.complete(initial.tensors, { ...info, progress }, checkpoints.keep);
    }
    const loop = new TrainingLoop({
      ...length,
      backend,
      collective,
      trainer,
      head: head && { trainer: head, epochs: headEpochs },
      inference: validation,
      loader,
      set,
      data,
      normalisation,
      schedule,
      parts: accumulate,
      validationBatch: length.rankBatch / accumulate,
      memory: prepared.memory,
      earlyStop: options.earlyStop,
      mixed: options.precision === "mixed",
      progress,
      info,
      folder,
      checkpoints,
      callbacks: [...options.callbacks ?? [], options],
      signal: options.signal,
      profiling: prepared.profiling,
    });
    try {
      return { ...await loop.run(), normalisation };
    } catch (error) {
      throw folder === undefined ? error : withResumeAdvice(error);
    }
  } finally {
    await loader?.close();
    prepared.destroy();
  }
}
