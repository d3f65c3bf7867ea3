/** A model that classifies images: its programs, and how images are made ready for it. */

import { type Backend, elementCount, NumericError, type Program, UsageError } from "../core/mod.ts";
import { type ImageInput, type Normalisation, type Preprocessing, Preprocessor, toRgb } from "../data/mod.ts";
import type { Model } from "../models/mod.ts";
import { rankClasses } from "./_rank_classes.ts";

/** A class that an image may be of. */
export interface RankedClass {
  /** The name of the class. */
  readonly label: string;
  /** Its index among the classes, from 0. */
  readonly index: number;
  /** Its probability by the softmax of all logits. */
  readonly probability: number;
}

/** The prediction of an image. */
export interface Prediction {
  /** The most probable classes, the best first. */
  readonly top: readonly RankedClass[];
  /** The logits [classes]. */
  readonly logits: Float32Array;
}

/** The options of {@link LoadedModel.predict}. */
export interface PredictOptions {
  /** How many classes are ranked. Defaults to 5, or to all where there are fewer. */
  readonly top?: number;
}

/** A program and the number of images that it takes. @internal */
export interface SizedProgram {
  /** The program: `image` in, `logits` out. */
  readonly program: Program;
  /** The number of images that the program takes. */
  readonly batch: number;
}

/** What a {@link LoadedModel} is made of. */
interface Parts {
  readonly model: Model;
  readonly backend: Backend;
  readonly classes: readonly string[];
  readonly normalisation: Normalisation;
  readonly preprocessing: Preprocessing;
  /** From the program of one image to that of the largest batch. */
  readonly programs: readonly SizedProgram[];
  /** Gives back what the programs use. */
  readonly release: () => void;
}

/**
 * A trained model on a backend, as `loadModel` makes it. Nothing is compiled once it is there: it runs images in whole
 * batches, and what is left one by one or as a batch that is not full, whichever is less work. Calls may overlap; they
 * are answered in their order.
 *
 * @example
 * ```ts
 * import { fit, loadModel, modelByName, openBackend, shapesSet } from "@residua/residua";
 * using backend = await openBackend("cpu");
 * const set = shapesSet({ trainCount: 40, validationCount: 10 });
 * const trained = await fit({ model: modelByName("resnet8"), backend, set, epochs: 1, batch: 20 });
 * using model = await loadModel(trained, { ...trained, model: "resnet8", classes: set.classes, backend });
 * const white = { width: 40, height: 30, pixels: new Uint8Array(3 * 40 * 30).fill(255) };
 * const [{ top, logits }] = await model.predict(white, { top: 3 });
 * console.log(model.inputShape, top.length, logits.length); // [ 3, 32, 32 ] 3 10
 * ```
 */
export class LoadedModel {
  /** The network. */
  readonly model: Model;
  /** Where it runs. */
  readonly backend: Backend;
  /** The names of the classes. */
  readonly classes: readonly string[];
  /** By which mean and deviation images are normalised. */
  readonly normalisation: Normalisation;
  /** How images are resized and cropped. */
  readonly preprocessing: Preprocessing;
  readonly #programs: readonly SizedProgram[];
  readonly #release: () => void;
  readonly #preprocessor: Preprocessor;
  readonly #images: Float32Array;
  #queue: Promise<unknown> = Promise.resolve();
  #destroyed = false;

  /** @internal */
  constructor(parts: Parts) {
    this.model = parts.model;
    this.backend = parts.backend;
    this.classes = parts.classes;
    this.normalisation = parts.normalisation;
    this.preprocessing = parts.preprocessing;
    this.#programs = parts.programs;
    this.#release = parts.release;
    this.#preprocessor = new Preprocessor(parts);
    this.#images = new Float32Array(this.batch * elementCount(this.inputShape));
  }

  /** Channels, height and width of the network's images. */
  get inputShape(): readonly [number, number, number] {
    return this.model.inputShape;
  }

  /** The most images that are computed together. */
  get batch(): number {
    return this.#programs.at(-1)!.batch;
  }

  /**
   * Classifies images of any size: each is resized, cropped and normalised as {@link LoadedModel.preprocessing} and
   * {@link LoadedModel.normalisation} say.
   *
   * @param images One or more, in bytes; a browser's `ImageData` is one.
   * @param options `top`: how many classes are ranked.
   * @returns The prediction of each image, in their order.
   * @throws {DataError} If an image has not 1, 3 or 4 bytes a pixel.
   * @throws {UsageError} If `top` is not from 1 to the number of classes.
   * @throws {NumericError} If logits are not finite.
   */
  async predict(images: ImageInput | readonly ImageInput[], options: PredictOptions = {}): Promise<Prediction[]> {
    const list = Array.isArray(images) ? images as readonly ImageInput[] : [images as ImageInput];
    return await this.#classify(list.length, options, (index, tensor) => {
      this.#preprocessor.write(toRgb(list[index], `image ${index}`), tensor);
    });
  }

  /**
   * Makes an image ready for {@link LoadedModel.predictTensor}: where images are large and many, their tensors take less
   * memory.
   *
   * @param image The image.
   * @returns The tensor [C, H, W].
   * @throws {DataError} If it has not 1, 3 or 4 bytes a pixel.
   */
  prepare(image: ImageInput): Float32Array {
    const tensor = new Float32Array(elementCount(this.inputShape));
    this.#preprocessor.write(toRgb(image), tensor);
    return tensor;
  }

  /**
   * Classifies images that are normalised already.
   *
   * @param tensor [N, C, H, W], as {@link LoadedModel.inputShape} says.
   * @param options `top`: how many classes are ranked.
   * @returns The prediction of each of the N images.
   * @throws {UsageError} If the tensor does not hold whole images, or `top` is not from 1 to the number of classes.
   * @throws {NumericError} If logits are not finite.
   */
  async predictTensor(tensor: Float32Array, options: PredictOptions = {}): Promise<Prediction[]> {
    const size = elementCount(this.inputShape), count = tensor.length / size;
    if (!Number.isInteger(count)) {
      throw new UsageError(
        `Expected images of ${this.inputShape.join("x")}, ${size} elements each, but ${tensor.length} elements came`,
      );
    }
    return await this.#classify(count, options, (index, target) => {
      target.set(tensor.subarray(index * size, (index + 1) * size));
    });
  }

  /** Gives the memory back, as {@link LoadedModel.destroy} does. */
  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Gives the memory back, and the backend if `loadModel` opened it. Wait for pending predictions first. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#release();
  }

  /** Waits for its turn, then runs; a call that failed does not hold up the next. */
  #classify(
    count: number,
    { top = Math.min(5, this.classes.length) }: PredictOptions,
    write: (index: number, tensor: Float32Array) => void,
  ): Promise<Prediction[]> {
    if (!Number.isInteger(top) || top < 1 || top > this.classes.length) {
      throw new UsageError(
        `Expected top to be a whole number from 1 to the ${this.classes.length} classes, not ${top}`,
      );
    }
    const turn = this.#queue.then(() => this.#run(count, top, write));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #run(count: number, top: number, write: (index: number, tensor: Float32Array) => void): Promise<Prediction[]> {
    if (this.#destroyed) throw new UsageError("The model was destroyed, so it cannot predict; load it again");
    const size = elementCount(this.inputShape), predictions: Prediction[] = [];
    const collect = (scores: Float32Array, images: number) => {
      for (let k = 0; k < images; k++) {
        const logits = scores.slice(k * this.classes.length, (k + 1) * this.classes.length);
        if (!logits.every(Number.isFinite)) {
          throw new NumericError(
            `The logits of image ${predictions.length} are not finite; its tensor or the model's weights hold NaN or too large numbers`,
          );
        }
        predictions.push({ top: rankClasses(logits, this.classes, top), logits });
      }
    };
    let running: { readonly scores: Promise<Float32Array>; readonly images: number } | undefined;
    for (let done = 0; done < count;) {
      const { program, batch } = this.#programFor(count - done), images = Math.min(batch, count - done);
      // The device computes the batch before meanwhile.
      for (let k = 0; k < images; k++) write(done + k, this.#images.subarray(k * size, (k + 1) * size));
      if (running !== undefined) collect(await running.scores, running.images);
      program.write("image", this.#images.subarray(0, batch * size));
      program.run();
      const scores = program.read("logits") as Promise<Float32Array>;
      scores.catch(() => {});
      running = { scores, images };
      done += images;
    }
    if (running !== undefined) collect(await running.scores, running.images);
    return predictions;
  }

  /**
   * What is left runs as a batch if it fills more than half of one: a device may take as long for a batch as for an image,
   * or as long for each of its images, so that either way at most half of the time is lost.
   */
  #programFor(images: number): SizedProgram {
    const one = this.#programs[0], many = this.#programs.at(-1)!;
    return 2 * images > many.batch ? many : one;
  }
}
