/** Loads a model that classifies images from a checkpoint. */

import {
  argument,
  type Backend,
  type BackendChoice,
  DataError,
  openBackend,
  type Precision,
  sentence,
  type TuneOptions,
  UsageError,
} from "../core/mod.ts";
import {
  defaultNormalisation,
  defaultPreprocessing,
  INTERPOLATIONS,
  type Normalisation,
  normalisationFits,
  type Preprocessing,
} from "../data/mod.ts";
import type { Model } from "../models/mod.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  describedModel,
  inferOptions,
  type ModelDescription,
  needsLibraryConfig,
  Variables,
} from "../weights/mod.ts";
import { LoadedModel, type SizedProgram } from "./loaded_model.ts";
import { compileFoldedInference, compileInference } from "./compile_inference.ts";

/** The source of a model: a safetensors or PyTorch file as bytes, as a `Blob` or as a `Response`, or a decoded checkpoint. */
export type ModelSource =
  | ArrayBufferView
  | ArrayBuffer
  | Checkpoint
  | {
    /** The bytes of the file. */
    arrayBuffer(): Promise<ArrayBuffer>;
    /** Whether a request was answered with what it asked for. */
    readonly ok?: boolean;
    /** The status of the answer. */
    readonly status?: number;
  };

/** The options of {@link loadModel}. */
export interface LoadModelOptions {
  /** The backend, or the name of the one to open. Defaults to `auto`. */
  readonly backend?: Backend | BackendChoice;
  /** The largest number of images that are computed together. Defaults to 16. */
  readonly batch?: number;
  /** How it computes. Defaults to float32. Mixed precision takes a WebGPU adapter with float16. */
  readonly precision?: Precision;
  /** Whether batch norm is folded into the convolutions, which is faster and rounds otherwise. Defaults to true. */
  readonly fold?: boolean;
  /**
   * The network of a bare weight file, by its name or with the options that it was made by; or a network of one's own,
   * which takes the place of the one that a checkpoint names.
   */
  readonly model?: string | ModelDescription | Model;
  /** The names of the classes, in place of the checkpoint's. Those of a bare weight file default to numbers. */
  readonly classes?: readonly string[];
  /** The mean and deviation of the images it was trained on, in place of the checkpoint's. */
  readonly normalisation?: Normalisation;
  /** How images are resized and cropped, in place of the checkpoint's. */
  readonly preprocessing?: Preprocessing;
  /** Has kernels chosen by timing them, on WebGPU; a table read by `TuningTable.parse` brings choices along. */
  readonly tune?: TuneOptions;
  /** The source's name in messages. */
  readonly source?: string;
}

/**
 * Loads a trained model and compiles it, for one image and for a batch of them.
 *
 * @param from The file's bytes, or something that has them.
 * @param options The backend and the batch; and, for a bare weight file, the network and its normalisation.
 * @returns The model. Give it back with {@link LoadedModel.destroy}.
 * @throws {DataError} If the file is damaged, its tensors are not the network's, or what it says of itself does not fit.
 * @throws {UsageError} If a bare weight file comes without its network, or without a normalisation that cannot be guessed; or
 * if the normalisation that is given is not for its images.
 * @throws {DeviceError} If the backend cannot be had, or the batch does not fit it.
 *
 * @example
 * ```ts
 * import { CpuBackend } from "@residua/residua/core";
 * import { cifarResNet } from "@residua/residua/models";
 * import { loadModel } from "@residua/residua";
 * import { Trainer } from "@residua/residua/train";
 * import { encodeSafetensors } from "@residua/residua/weights";
 * const trainer = await Trainer.create({ model: cifarResNet({ depth: 8 }), backend: new CpuBackend(), batch: 1 });
 * const bytes = encodeSafetensors(await trainer.variables.read(false));
 * const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
 * const model = await loadModel(bytes, { model: "resnet8", normalisation, backend: "cpu" });
 * const [{ top }] = await model.predict({ width: 1, height: 1, pixels: Uint8Array.of(255, 0, 0) }, { top: 3 });
 * console.log(top.length); // 3
 * model.destroy();
 * ```
 */
export async function loadModel(from: ModelSource, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const { source = "the checkpoint", batch = 16, fold = true, precision, tune } = options;
  if (!Number.isInteger(batch) || batch < 1) {
    throw new UsageError(`Expected the batch to be a whole number of at least 1 but it is ${batch}`);
  }
  const checkpoint = await read(from, source, namedModel(options.model));
  const described = describe(checkpoint, options, source);
  const own = typeof options.backend === "object" ? undefined : await openBackend(options.backend);
  const backend = own ?? options.backend as Backend;
  const variables = new Variables(), programs: SizedProgram[] = [];
  const release = () => {
    for (const { program } of programs) program.destroy();
    variables.destroy();
    own?.destroy();
  };
  try {
    for (const size of new Set([1, batch])) {
      const compiled = fold
        ? compileFoldedInference(described.model, backend, size, variables, checkpoint.tensors, source, {
          precision,
          tune,
        })
        : compileInference(described.model, backend, size, variables, { precision, tune });
      programs.push({ batch: size, program: await compiled });
    }
    if (!fold) variables.write(checkpoint.tensors, source);
    return new LoadedModel({ ...described, backend, programs, release });
  } catch (error) {
    release();
    throw error;
  }
}

async function read(from: ModelSource, source: string, model?: Model): Promise<Checkpoint> {
  if (from instanceof ArrayBuffer || ArrayBuffer.isView(from)) return decodeCheckpoint(from, source, { model });
  if ("tensors" in from) return from;
  if (from.ok === false) {
    throw new DataError(`${source}: the request was answered with status ${from.status}; check the URL`);
  }
  return decodeCheckpoint(await from.arrayBuffer(), source, { model });
}

/** The network that the caller names. */
function namedModel(model: LoadModelOptions["model"]): Model | undefined {
  if (model === undefined || (typeof model === "object" && "forward" in model)) return model;
  return describedModel(typeof model === "string" ? { name: model } : model);
}

/** The network, its classes, and how its images are made ready. */
function describe(checkpoint: Checkpoint, options: LoadModelOptions, source: string) {
  const { info } = checkpoint, model = chooseModel(checkpoint, options, source);
  const classes = options.classes ?? info?.classes ?? Array.from({ length: model.classes }, (_, k) => String(k));
  const normalisation = options.normalisation ?? info?.normalisation ?? usualNormalisation(model, source);
  const preprocessing = options.preprocessing ?? info?.preprocessing ?? defaultPreprocessing(model.inputShape);
  const [channels, ...size] = model.inputShape;
  if (classes.length !== model.classes) {
    throw new DataError(
      `${source}: ${model.name} tells ${model.classes} classes apart, but ${classes.length} names came`,
    );
  }
  const { mean, std } = normalisation;
  if (!normalisationFits(normalisation, model.inputShape)) {
    const wrong =
      `${model.name} takes a mean for each of ${channels} channels or for each pixel, and a deviation above 0 ` +
      `for each channel, but ${mean.length} means and the deviations ${std.join(", ")} came`;
    throw options.normalisation === undefined ? new DataError(`${source}: ${wrong}`) : new UsageError(wrong);
  }
  const { resize, crop, interpolation } = preprocessing;
  if (crop.join() !== size.join() || resize < Math.max(...crop) || !INTERPOLATIONS.includes(interpolation)) {
    throw new DataError(
      `${source}: ${model.name} takes images of ${size.join("x")}, but the preprocessing resizes them to ${resize} ` +
        `(${interpolation}; it must be ${INTERPOLATIONS.join(" or ")}) and crops ${crop.join("x")}`,
    );
  }
  return { model, classes, normalisation, preprocessing };
}

function chooseModel(checkpoint: Checkpoint, { model, classes }: LoadModelOptions, source: string): Model {
  const { tensors, info } = checkpoint;
  if (typeof model === "object" && "forward" in model) return model;
  if (info !== undefined) {
    if (typeof info.model?.name !== "string") {
      throw new DataError(`${source}: what the file says of itself does not name its model; the file is damaged`);
    }
    return describedModel(info.model);
  }
  if (model === undefined) {
    throw new UsageError(sentence`${source} does not say which model it is of; name it with ${argument("model")}`);
  }
  const given = typeof model === "string" ? { name: model } : model;
  if (needsLibraryConfig(checkpoint) && (given.padding === undefined || given.epsilon === undefined)) {
    throw new UsageError(
      `${source}: these are weights of transformers' MobileNet-V2, of which only its config.json says how it pads ` +
        "and normalises; load { tensors, info } with the info of readLibraryConfig()",
    );
  }
  const { classes: found, inputShape } = inferOptions(describedModel(given), tensors);
  return describedModel({ classes: classes?.length ?? found, inputShape, ...given });
}

/** Weights of networks for larger images come from ImageNet, as a rule; small images have no such rule. */
function usualNormalisation({ inputShape }: Model, source: string): Normalisation {
  const usual = defaultNormalisation(inputShape);
  if (usual !== undefined) return usual;
  throw new UsageError(
    sentence`${source} does not say by which mean and deviation its images were normalised; give them with ${
      argument("normalisation")
    }`,
  );
}
