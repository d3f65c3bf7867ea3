/** The memory of a program on WebGPU: where the values of its plan lie, and all else that it allocates. */

import type { Storage } from "../backend.ts";
import type { Value } from "../graph/graph.ts";
import { byteSize, formatSpec } from "../graph/shape.ts";
import type { Plan } from "../plan/plan.ts";
import { DeviceError } from "../util/errors.ts";
import type { WebGpuBackend } from "./backend.ts";
import { ScratchPool } from "./scratch.ts";
import { WebGpuStorage } from "./storage.ts";
import { POISON, TexelPool, type TexelType } from "./texels.ts";

/** The memory of a program. What it allocates is given back at once; variables are not its own. */
export class ProgramMemory {
  /** The inputs of the plan by name. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** The outputs of the plan by name. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** The variables that a step reads and never changes. */
  readonly sources: Set<WebGpuStorage> = new Set();
  /** The variables that a step changes. */
  readonly updated: Set<WebGpuStorage> = new Set();
  readonly #backend: WebGpuBackend;
  readonly #poison: boolean;
  readonly #buffers = new Map<Value, GPUBuffer>();
  readonly #owned: GPUBuffer[] = [];
  readonly #kept: { destroy(): void }[] = [];
  readonly #texels: TexelPool<GPUTexture>;
  readonly #scratch: ScratchPool<GPUBuffer>;

  /**
   * Allocates nothing yet.
   *
   * @param poison Whether what is allocated begins as numbers that no kernel may read.
   */
  constructor(backend: WebGpuBackend, { inputs, outputs }: Plan, poison: boolean) {
    this.#backend = backend;
    this.#poison = poison;
    this.inputs = new Map(inputs.map((value) => [value.name, value]));
    this.outputs = new Map(outputs);
    this.#scratch = new ScratchPool((bytes) => this.own(bytes, "shared scratch"), backend.maxResidentBytes);
    this.#texels = new TexelPool((rows, dtype) => backend.createTexelTexture(rows, dtype, poison));
  }

  /**
   * Gives each value of the plan a buffer.
   *
   * @throws {DeviceError} If a variable lives on another backend.
   */
  place(plan: Plan, variables: ReadonlyMap<string, Storage>): void {
    const planned = this.#allocatePlanned(plan);
    for (const [value, buffer] of plan.placement) this.#buffers.set(value, planned[buffer]);
    for (const value of plan.inputs) {
      this.#buffers.set(value, this.own(byteSize(value.spec), `the input ${value.name} of ${formatSpec(value.spec)}`));
    }
    const updated = new Set(
      plan.nodes.flatMap((node) => (node.op.updates ?? []).map((index) => node.arguments[index])),
    );
    for (const value of plan.variables) {
      const storage = variables.get(value.name);
      if (storage instanceof WebGpuStorage) {
        this.#buffers.set(value, storage.buffer);
        (updated.has(value) ? this.updated : this.sources).add(storage);
      } else if (value.initializer?.kind === "constant") {
        const buffer = this.own(byteSize(value.spec), value.name);
        this.#buffers.set(value, buffer);
        const data = new Float32Array(buffer.size / 4).fill(value.initializer.value);
        this.#backend.device.queue.writeBuffer(buffer, 0, data);
      } else throw new DeviceError(`The variable "${value.name}" lives on another backend`);
    }
  }

  /** The buffers that values share one after the other, each by the name of the largest of them. */
  #allocatePlanned({ placement, bufferSizes }: Plan): GPUBuffer[] {
    const largest = new Map<number, Value>();
    for (const [value, buffer] of placement) {
      const other = largest.get(buffer);
      if (other === undefined || byteSize(value.spec) > byteSize(other.spec)) largest.set(buffer, value);
    }
    return bufferSizes.map((bytes, index) => this.own(bytes, `a tensor of ${formatSpec(largest.get(index)!.spec)}`));
  }

  /** The buffer of a value. */
  bufferOf(value: Value): GPUBuffer {
    return this.#buffers.get(value)!;
  }

  /** Allocates a buffer; `usage` is that of a tensor unless it is given. */
  own(bytes: number, label: string, usage?: number): GPUBuffer {
    const buffer = this.#backend.createBuffer(bytes, label, usage);
    this.#owned.push(buffer);
    if (this.#poison && usage === undefined) {
      this.#backend.device.queue.writeBuffer(buffer, 0, new Uint32Array(buffer.size / 4).fill(POISON));
    }
    return buffer;
  }

  /** Scratch memory that is shared between nodes; `taken` has what a node has already. */
  scratch(bytes: number, taken: Set<GPUBuffer>): GPUBuffer {
    return this.#scratch.take(bytes, taken);
  }

  /** A texture that is shared between dispatches; `taken` has what a dispatch has already. */
  texture(texels: number, dtype: TexelType, taken: Set<GPUTexture>): GPUTexture {
    return this.#texels.take(texels, dtype, taken);
  }

  /** Destroys something else with the memory, before it. */
  keep(resource: { destroy(): void }): void {
    this.#kept.push(resource);
  }

  /** Gives all of it back. */
  destroy(): void {
    for (const resource of this.#kept.splice(0)) resource.destroy();
    for (const buffer of this.#owned.splice(0)) this.#backend.destroyBuffer(buffer);
    for (const texture of this.#texels.clear()) this.#backend.destroyTexelTexture(texture);
  }
}
