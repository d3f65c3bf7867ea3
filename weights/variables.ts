/** A model's variables on a backend: what training changes, checkpoints hold, and every program of the model shares. */

import {
  type Backend,
  DataError,
  formatShape,
  type Graph,
  sameShape,
  showText,
  type Storage,
  type TensorSpec,
} from "../core/mod.ts";
import { listNames } from "./_reading.ts";
import { initialize } from "./initializers.ts";
import type { NamedTensor } from "./safetensors.ts";

/** The prefix of the optimiser's variables. */
export const OPTIMIZER_PREFIX = "optimizer.";

/** The prefix of the average of a variable over the steps. */
export const AVERAGE_PREFIX: string = `${OPTIMIZER_PREFIX}average.`;

/** The prefix of variables that are dead after a step, such as gradients that add up over the parts of a batch. */
export const TRANSIENT_PREFIX: string = `${OPTIMIZER_PREFIX}transient.`;
/** The specs of a graph's parameters and states, by name. */
export function variableSpecs(graph: Graph): Map<string, TensorSpec> {
  const variables = graph.values.filter(({ kind }) => kind === "parameter" || kind === "state");
  return new Map(variables.map(({ name, spec }) => [name, spec]));
}

/**
 * Checks that tensors are those of a set of variables. An optimiser's may be missing, or too many.
 *
 * @param specs What the variables hold, by name.
 * @param source The file, for messages.
 * @param keep Tensors that may be missing or for another number of classes.
 * @throws {DataError} If a tensor is missing, is of another shape, or belongs to nothing.
 */
export function expectTensors(
  specs: ReadonlyMap<string, TensorSpec>,
  tensors: ReadonlyMap<string, NamedTensor>,
  source: string,
  keep: readonly string[] = [],
): void {
  const given = [...tensors.keys()].filter((name) => !name.startsWith(OPTIMIZER_PREFIX));
  const wanted = [...specs.keys()].filter((name) => !name.startsWith(OPTIMIZER_PREFIX));
  const missing = wanted.filter((name) => !tensors.has(name) && !keep.includes(name));
  const extra = given.filter((name) => !specs.has(name));
  if (missing.length > 0) {
    const lacks = `the model needs the tensor ${listNames(missing)}, which the file lacks`;
    const has = extra.length > 0 ? `; it has ${listNames(extra)} instead` : "";
    throw new DataError(`${source}: ${lacks}${has}; was it saved from another model?`);
  }
  if (extra.length > 0) {
    throw new DataError(
      `${source}: the file holds the tensor ${
        listNames(extra)
      }, which the model does not have; was it saved from another model?`,
    );
  }
  for (const [name, tensor] of tensors) {
    const spec = specs.get(name);
    if (spec === undefined) continue;
    const axis = keep.includes(name) ? 1 : 0;
    if (sameShape(spec.shape.slice(axis), tensor.shape.slice(axis)) && tensor.data instanceof Float32Array) continue;
    const type = tensor.data instanceof Float32Array ? "float32" : "uint32";
    throw new DataError(
      `${source}: expected the tensor ${showText(name)} to be float32 ${formatShape(spec.shape)} but it is ${type} ${
        formatShape(tensor.shape)
      }`,
    );
  }
}

/** Variables by name, in the order of the model. */
export class Variables {
  readonly #storages = new Map<string, Storage>();

  /** The storages by name, for `compile`. */
  get storages(): ReadonlyMap<string, Storage> {
    return this.#storages;
  }

  /** Allocates and initialises the variables of a graph that are not there yet. */
  add(graph: Graph, backend: Backend, seed: number): void {
    for (const value of graph.values) {
      if ((value.kind !== "parameter" && value.kind !== "state") || this.#storages.has(value.name)) continue;
      const storage = backend.allocate(value.spec);
      storage.write(initialize(value.initializer!, value.spec.shape, seed, value.name));
      this.#storages.set(value.name, storage);
    }
  }

  /** The storages of the model's variables by name, for inference: the averages over the steps where there are any. */
  get evaluated(): ReadonlyMap<string, Storage> {
    const model = [...this.#storages].filter(([name]) => !name.startsWith(OPTIMIZER_PREFIX));
    return new Map(model.map(([name, storage]) => [name, this.#storages.get(AVERAGE_PREFIX + name) ?? storage]));
  }

  /**
   * Copies the variables out.
   *
   * @param optimizer Whether the optimiser's are included.
   */
  read(optimizer: boolean): Promise<Map<string, NamedTensor>> {
    const left = optimizer ? TRANSIENT_PREFIX : OPTIMIZER_PREFIX;
    return readAll([...this.#storages].filter(([name]) => !name.startsWith(left)));
  }

  /** Copies out what {@link Variables.evaluated} holds. */
  readEvaluated(): Promise<Map<string, NamedTensor>> {
    return readAll(this.evaluated);
  }

  /** Starts the averages at the values that are averaged. */
  async startAverages(): Promise<void> {
    const averaged = [...this.#storages].filter(([name]) => this.#storages.has(AVERAGE_PREFIX + name));
    for (const [name, { data }] of await readAll(averaged)) this.#storages.get(AVERAGE_PREFIX + name)!.write(data);
  }

  /**
   * Replaces the variables by tensors of the same names. The optimiser's keep their values where they are not given.
   *
   * @param source The file, for messages.
   * @param options `keep`: tensors of the classifier's last layer that are for another number of classes, as
   * {@link mismatchedHead} finds them; these variables keep their values.
   * @throws {DataError} If a tensor is missing, is of another shape, or belongs to nothing; then nothing has changed.
   */
  write(
    tensors: ReadonlyMap<string, NamedTensor>,
    source: string,
    { keep = [] }: { readonly keep?: readonly string[] } = {},
  ): void {
    expectTensors(new Map([...this.#storages].map(([name, { spec }]) => [name, spec])), tensors, source, keep);
    for (const [name, tensor] of tensors) if (!keep.includes(name)) this.#storages.get(name)?.write(tensor.data);
  }

  /** Gives the memory back. */
  destroy(): void {
    for (const storage of this.#storages.values()) storage.destroy();
    this.#storages.clear();
  }
}

/** Reads under way at once: a device answers many about as soon as one. */
const READS = 32;

async function readAll(storages: Iterable<readonly [string, Storage]>): Promise<Map<string, NamedTensor>> {
  const tensors = new Map<string, NamedTensor>(), all = [...storages];
  for (let first = 0; first < all.length; first += READS) {
    const some = all.slice(first, first + READS);
    const data = await Promise.all(some.map(([, storage]) => storage.read()));
    some.forEach(([name, { spec }], index) => tensors.set(name, { shape: spec.shape, data: data[index] }));
  }
  return tensors;
}
