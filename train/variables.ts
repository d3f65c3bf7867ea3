/** A model's variables on a backend: what training changes, checkpoints hold, and every program of the model shares. */

import {
  type Backend,
  DataError,
  formatShape,
  type Graph,
  sameShape,
  type Storage,
  type TensorSpec,
} from "../core/mod.ts";
import { initialize } from "./initializers.ts";
import type { NamedTensor } from "./safetensors.ts";

/** The prefix of what belongs to the optimiser and not to the model. */
export const OPTIMIZER_PREFIX = "optimizer.";

/**
 * Checks that tensors are those of a set of variables. An optimiser's may be missing, or too many.
 *
 * @param specs What the variables hold, by name.
 * @param source The file, for messages.
 * @throws {DataError} If a tensor is missing, is of another shape, or belongs to nothing.
 */
export function expectTensors(
  specs: ReadonlyMap<string, TensorSpec>,
  tensors: ReadonlyMap<string, NamedTensor>,
  source: string,
): void {
  const listed = (names: readonly string[]) =>
    names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");
  const given = [...tensors.keys()].filter((name) => !name.startsWith(OPTIMIZER_PREFIX));
  const wanted = [...specs.keys()].filter((name) => !name.startsWith(OPTIMIZER_PREFIX));
  const missing = wanted.filter((name) => !tensors.has(name));
  if (missing.length > 0) {
    throw new DataError(
      `${source}: the model needs the tensor ${
        listed(missing)
      }, which the file lacks; was it saved from another model?`,
    );
  }
  const extra = given.filter((name) => !specs.has(name));
  if (extra.length > 0) {
    throw new DataError(
      `${source}: the file holds the tensor ${
        listed(extra)
      }, which the model does not have; was it saved from another model?`,
    );
  }
  for (const [name, tensor] of tensors) {
    const spec = specs.get(name);
    if (spec === undefined || (sameShape(spec.shape, tensor.shape) && tensor.data instanceof Float32Array)) continue;
    const type = tensor.data instanceof Float32Array ? "float32" : "uint32";
    throw new DataError(
      `${source}: expected the tensor ${name} to be float32 ${formatShape(spec.shape)} but it is ${type} ${
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

  /**
   * Copies the variables out.
   *
   * @param optimizer Whether the optimiser's are included.
   */
  async read(optimizer: boolean): Promise<Map<string, NamedTensor>> {
    const tensors = new Map<string, NamedTensor>();
    for (const [name, storage] of this.#storages) {
      if (!optimizer && name.startsWith(OPTIMIZER_PREFIX)) continue;
      tensors.set(name, { shape: storage.spec.shape, data: await storage.read() });
    }
    return tensors;
  }

  /**
   * Replaces the variables by tensors of the same names. The optimiser's keep their values where they are not given.
   *
   * @param source The file, for messages.
   * @throws {DataError} If a tensor is missing, is of another shape, or belongs to nothing; then nothing has changed.
   */
  write(tensors: ReadonlyMap<string, NamedTensor>, source: string): void {
    expectTensors(new Map([...this.#storages].map(([name, { spec }]) => [name, spec])), tensors, source);
    for (const [name, tensor] of tensors) this.#storages.get(name)?.write(tensor.data);
  }

  /** Gives the memory back. */
  destroy(): void {
    for (const storage of this.#storages.values()) storage.destroy();
    this.#storages.clear();
  }
}
