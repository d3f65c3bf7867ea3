/** Grad-CAM: where a network saw a class (Selvaraju et al. 2017, section 3). */

import {
  type Backend,
  compile,
  differentiate,
  f32,
  Graph,
  NumericError,
  type Program,
  UsageError,
  type Value,
} from "../../core/mod.ts";
import type { Model } from "../../models/mod.ts";
import { linear } from "../../ops/mod.ts";
import { type NamedTensor, Variables } from "../../weights/mod.ts";
import type { ClassMap } from "./class_map.ts";

/** What {@link GradCam} explains, and where it computes. */
export interface GradCamOptions {
  /** The network. */
  readonly model: Model;
  /** The backend. */
  readonly backend: Backend;
  /** Its weights and statistics, as a checkpoint holds them. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** Where they come from, for messages. Defaults to "the checkpoint". */
  readonly source?: string;
}

/**
 * Explains the classes of images by the last feature maps A of a network, those before its global pooling: the map of a class
 * is the sum of A weighted by the means of the gradients of its logit by A, where that is above 0.
 *
 * @example
 * ```ts
 * import { CpuBackend } from "@residua/residua/core";
 * import { GradCam } from "@residua/residua/inference";
 * import { cifarResNet } from "@residua/residua/models";
 * import { Trainer } from "@residua/residua/train";
 * const model = cifarResNet({ depth: 8 }), backend = new CpuBackend();
 * const trainer = await Trainer.create({ model, backend, batch: 1 });
 * using explainer = await GradCam.create({ model, backend, tensors: await trainer.variables.read(false) });
 * const { height, width } = await explainer.explain(new Float32Array(3 * 32 * 32).fill(0.5), 3);
 * console.log(height, width); // 8 8
 * ```
 */
export class GradCam {
  readonly #program: Program;
  readonly #variables: Variables;
  readonly #classes: number;
  /** Channels, height and width of the feature maps. */
  readonly #shape: readonly number[];
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(program: Program, variables: Variables, classes: number, shape: readonly number[]) {
    this.#program = program;
    this.#variables = variables;
    this.#classes = classes;
    this.#shape = shape;
  }

  /**
   * Compiles the network and its gradients.
   *
   * @throws {DataError} If a tensor is missing, is of another shape, or belongs to nothing.
   * @throws {UsageError} If the network has no feature maps.
   */
  static async create({ model, backend, tensors, source = "the checkpoint" }: GradCamOptions): Promise<GradCam> {
    const graph = new Graph({ training: false }), variables = new Variables();
    const logits = model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
    const features = lastFeatures(graph, model.name);
    // The logit of one class, as a product with 1 at its index and 0 elsewhere.
    const [logit] = linear.apply(graph, [logits, graph.input("class", f32([1, model.classes]))]);
    const [gradients] = differentiate(graph, logit, [features]);
    try {
      variables.add(graph, backend, 0);
      variables.write(tensors, source);
      const program = await compile(graph, backend, {
        outputs: { logits, features, gradients: gradients! },
        variables: variables.storages,
      });
      return new GradCam(program, variables, model.classes, features.spec.shape.slice(1));
    } catch (error) {
      variables.destroy();
      throw error;
    }
  }

  /**
   * Explains one class of an image. Calls may overlap; they are answered in their order.
   *
   * @param tensor The image [C, H, W], resized and normalised, as `LoadedModel.prepare` makes it.
   * @param index The class. Defaults to the most probable one.
   * @returns Values of at least 0, at the size of the feature maps; `resizeMap` brings them to that of the image.
   * @throws {UsageError} If there is no such class, or the tensor is no such image.
   * @throws {NumericError} If the map is not finite.
   */
  explain(tensor: Float32Array, index?: number): Promise<ClassMap> {
    if (index !== undefined && !(Number.isInteger(index) && index >= 0 && index < this.#classes)) {
      return Promise.reject(
        new UsageError(`Expected the index of one of ${this.#classes} classes, from 0, but it is ${index}`),
      );
    }
    const turn = this.#queue.then(() => this.#explain(tensor, index));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Gives the memory back, as {@link GradCam.destroy} does. */
  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Gives the memory back, but for the backend. Wait for pending explanations first. */
  destroy(): void {
    this.#program.destroy();
    this.#variables.destroy();
  }

  async #explain(tensor: Float32Array, given?: number): Promise<ClassMap> {
    const program = this.#program, [channels, height, width] = this.#shape, size = height * width;
    program.write("image", tensor);
    const index = given ?? await this.#mostProbable();
    program.write("class", new Float32Array(this.#classes).fill(1, index, index + 1));
    program.run();
    const [features, gradients] = await Promise.all(
      ["features", "gradients"].map((name) => program.read(name) as Promise<Float32Array>),
    );
    const values = new Float32Array(size);
    for (let k = 0; k < channels; k++) {
      let weight = 0;
      for (let i = 0; i < size; i++) weight += gradients[k * size + i] / size;
      for (let i = 0; i < size; i++) values[i] += weight * features[k * size + i];
    }
    if (!values.every(Number.isFinite)) {
      throw new NumericError(
        "The map of the class is not finite; the image or the weights hold NaN or too large numbers",
      );
    }
    return { values: values.map((value) => Math.max(0, value)), height, width, index };
  }

  async #mostProbable(): Promise<number> {
    this.#program.write("class", new Float32Array(this.#classes));
    this.#program.run();
    const logits = await this.#program.read("logits") as Float32Array;
    return logits.reduce((best, value, k) => value > logits[best] ? k : best, 0);
  }
}

/** The last value that is a map: of rank 4 and more than one place, before a value that has none. */
function lastFeatures({ nodes }: Graph, name: string): Value {
  const isMap = ({ spec: { shape } }: Value) => shape.length === 4 && shape[2] * shape[3] > 1;
  const results = nodes.flatMap((node) => node.results);
  const features = results.findLast(isMap) ?? results.findLast(({ spec }) => spec.shape.length === 4);
  if (features === undefined) {
    throw new UsageError(`${name} has no feature maps of height and width, so that no place of an image can be shown`);
  }
  return features;
}
