/** Training on the user's photos, by the rules of `deno task train`. */

import {
  augmentationByName,
  type Backend,
  encodeCheckpoint,
  fit,
  type FitOptions,
  type ImageSet,
  type ModelDescription,
  RunFolder,
  type StepEvent,
} from "@residua/residua";
import {
  decodeBlob,
  defaultPreprocessing,
  imageSetOf,
  type RandAugmentOptions,
  typicalSide,
} from "@residua/residua/data";
import { FINE_TUNING, suggestedOptions, suggestNetwork, suggestSize, suggestTraining } from "@residua/residua/train";
import { alignHead, describedModel } from "@residua/residua/weights";
import type { Answer, Request } from "../protocol.ts";
import { MemoryStore } from "./memory_store.ts";
import { type NamedWeights, namedWeights } from "./weights.ts";

/** What is to be trained, and on what. */
export type TrainRequest = Extract<Request, { kind: "train" }>;

/** Milliseconds between messages of progress. */
const INTERVAL = 100;

/** A run: what does not change when it goes on after a stop. */
export interface Run {
  readonly options: Omit<FitOptions, "backend">;
  readonly description: ModelDescription;
  readonly store: MemoryStore;
}

/** Reads the photos and chooses what is left open. */
export async function prepareRun(
  request: TrainRequest,
  backend: Backend,
  tell: (answer: Answer) => void,
): Promise<Run> {
  const { weights, settings } = request;
  const start = weights && namedWeights(new Uint8Array(await weights.arrayBuffer()), weights.name, settings.model);
  const { description, randAugment, set } = await chooseNetwork(request, start, tell);
  const { count } = set.train, batch = settings.batch ?? suggestTraining(count).batch;
  const epochs = settings.epochs ?? (start && FINE_TUNING.epochs),
    suggested = suggestTraining(count, { batch, epochs });
  const rate = settings.rate ?? (start === undefined ? suggested.rate : FINE_TUNING.rate);
  const model = describedModel(description), head = start && alignHead(model, start, set.classes);
  const shape = `${model.name} at ${set.shape[2]}×${set.shape[1]} pixels`;
  tell({
    kind: "started",
    text:
      `${shape}, ${count} photos to train on and ${set.validation.count} to check, batches of ${batch}, on ${backend.description}`,
    epochs: suggested.epochs,
  });
  return {
    description,
    store: new MemoryStore(),
    options: {
      ...suggestedOptions(count, { ...suggested, rate }),
      model,
      description,
      set,
      accumulate: "auto",
      augmentation: { ...augmentationByName("auto", set), ...(randAugment === undefined ? {} : { randAugment }) },
      normalisation: start?.info?.normalisation,
      initial: start && { ...head!, source: weights!.name },
      headEpochs: head?.change === "new" && suggested.epochs > 1 ? FINE_TUNING.headEpochs : 0,
    },
  };
}

/**
 * Trains from wherever the run stands, and tells how it goes.
 *
 * @returns The best weights so far as a file that the command line reads, also where training was stopped.
 */
export async function train(
  { options, description, store }: Run,
  backend: Backend,
  signal: AbortSignal,
  tell: (answer: Answer) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const { set } = options, folder = new RunFolder(store), saved = await folder.resume(), progress = new Progress(tell);
  const result = await fit({
    ...options,
    ...(saved === undefined ? {} : { initial: saved, progress: saved.info.progress }),
    backend,
    folder,
    signal,
    onStart: ({ steps }) => progress.begin(steps),
    onStep: (event) => progress.step(event),
    onEpoch: ({ epoch, trainLoss, trainTop1, validation, isBest }) =>
      tell({
        kind: "epoch",
        epoch: epoch + 1,
        trainLoss,
        trainTop1,
        validation: set.validation.count === 0 ? undefined : validation,
        isBest,
      }),
  });
  const best = await store.read("best.safetensors");
  if (best !== undefined) return new Uint8Array(best);
  return encodeCheckpoint(result.tensors, {
    model: description,
    classes: set.classes,
    normalisation: result.normalisation,
    preprocessing: defaultPreprocessing(set.shape),
  });
}

/** The network and its images: what the user says, what the weights are, what suits the photos. */
async function chooseNetwork(
  { classes, settings }: TrainRequest,
  start: NamedWeights | undefined,
  tell: (answer: Answer) => void,
): Promise<{ set: ImageSet; description: ModelDescription; randAugment?: RandAugmentOptions }> {
  const files = classes.flatMap(({ photos }) => photos);
  const side = await typicalSide({ count: files.length, read: (index) => decodeBlob(files[index]) });
  const suited = suggestNetwork(files.length, side, settings.size), name = start?.model.name ?? settings.model;
  const own = name === undefined ? undefined : describedModel(start?.model ?? { name }).inputShape[1];
  // Weights go on at the size that they know.
  const open = own === undefined ? suited.size : start === undefined ? suggestSize(own, files.length, side) : own;
  const size = settings.size ?? open;
  const supplies = new Map(classes.map(({ name, photos }) => [name, photos.map((file) => () => decodeBlob(file))]));
  const onProgress = (done: number, total: number) => tell({ kind: "activity", text: "Reading photos", done, total });
  const set = await imageSetOf(supplies, { size, name: "your photos", onProgress });
  return {
    set,
    description: { ...start?.model, name: name ?? suited.model, classes: set.classes.length, inputShape: set.shape },
    randAugment: name === undefined ? suited.randAugment : undefined,
  };
}

/** Tells of steps now and then, with the time that is left. */
class Progress {
  readonly #tell: (answer: Answer) => void;
  #began = 0;
  #first = 0;
  #told = 0;

  constructor(tell: (answer: Answer) => void) {
    this.#tell = tell;
  }

  /** The run begins, or goes on after some steps. */
  begin(steps: number): void {
    this.#began = performance.now();
    this.#first = steps;
  }

  step({ step, totalSteps, epoch, loss, imagesPerSecond }: StepEvent): void {
    const now = performance.now();
    if (now - this.#told < INTERVAL && step < totalSteps) return;
    this.#told = now;
    const secondsLeft = (now - this.#began) / 1000 / (step - this.#first) * (totalSteps - step);
    this.#tell({ kind: "step", step, totalSteps, epoch, loss, imagesPerSecond, secondsLeft });
  }
}
