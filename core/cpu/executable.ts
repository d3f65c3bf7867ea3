/** A program on the CPU: a flat list of kernel calls over fixed views. */

import type { BackendCompileOptions, Executable } from "../backend.ts";
import { byName, expectData } from "../buffer_access.ts";
import { DeviceError } from "../errors.ts";
import type { Node, Value } from "../graph.ts";
import type { CpuContext, CpuKernel, MatrixProduct, NumericArray } from "../op.ts";
import type { Plan } from "../plan.ts";
import { byteSize, elementCount } from "../shape.ts";
import type { Block, CpuMemory } from "./memory.ts";
import { CpuStorage } from "./storage.ts";

const SCALAR_CAPACITY = 64;

interface Call {
  readonly kernel: CpuKernel;
  readonly buffers: readonly NumericArray[];
}

/** The kernel of a node: the op's own, or its reference loops in float32. */
function kernelOf(node: Node): CpuKernel {
  if (node.op.cpu !== undefined) return node.op.cpu(node);
  const reference = node.op.reference(node);
  return { phases: [{ tasks: 1, run: (buffers) => reference(buffers) }] };
}

/** Runs a plan on the CPU. */
export class CpuExecutable implements Executable {
  readonly scalarCapacity = SCALAR_CAPACITY;
  readonly dispatches: number;
  readonly #calls: Call[] = [];
  readonly #context: CpuContext;
  readonly #blocks: Block[] = [];
  readonly #memory: CpuMemory;
  readonly #inputs = new Map<string, { value: Value; data: NumericArray }>();
  readonly #outputs = new Map<string, Float32Array | Uint32Array>();
  readonly #scalars: readonly (Float32Array | Uint32Array)[];
  readonly #records: Float32Array[];
  #recorded = 0;

  /** Places every value and chooses every kernel. */
  constructor(plan: Plan, options: BackendCompileOptions, memory: CpuMemory, matrixProduct: MatrixProduct) {
    this.#memory = memory;
    const take = (bytes: number) => {
      const block = memory.allocate(bytes);
      this.#blocks.push(block);
      if (options.poison) (memory.view(block, "f32", block.bytes / 4)).fill(NaN);
      return block;
    };
    const buffers = plan.bufferSizes.map(take);
    const arrays = new Map<Value, Float32Array | Uint32Array>();
    const place = (value: Value, block: Block) => {
      const array = memory.view(block, value.spec.dtype, elementCount(value.spec.shape));
      arrays.set(value, array);
      return array;
    };
    for (const value of plan.inputs) {
      this.#inputs.set(value.name, { value, data: place(value, take(byteSize(value.spec))) });
    }
    for (const value of plan.variables) {
      const storage = options.variables.get(value.name);
      if (storage instanceof CpuStorage) arrays.set(value, storage.data);
      else if (value.initializer?.kind === "constant") {
        place(value, take(byteSize(value.spec))).fill(value.initializer.value);
      } else throw new DeviceError(`The variable "${value.name}" lives on another backend`);
    }
    for (const [value, buffer] of plan.placement) place(value, buffers[buffer]);

    let workspace = 0, scratch = 0;
    for (const node of plan.nodes) {
      const kernel = kernelOf(node);
      workspace = Math.max(workspace, kernel.workspace ?? 0);
      scratch = Math.max(scratch, kernel.scratch ?? 0);
      this.#calls.push({ kernel, buffers: [...node.arguments, ...node.results].map((value) => arrays.get(value)!) });
    }
    this.dispatches = this.#calls.length;
    this.#context = {
      matrixProduct,
      workspace: memory.view(take(workspace * 4), "f32", workspace) as Float32Array,
      scratch: memory.view(take(scratch * 4), "f32", scratch) as Float32Array,
    };
    for (const [name, value] of plan.outputs) this.#outputs.set(name, arrays.get(value)!);
    this.#scalars = options.scalars.map((name) => byName(this.#outputs, "output", name));
    this.#records = Array.from({ length: SCALAR_CAPACITY }, () => new Float32Array(this.#scalars.length));
  }

  /** Replaces the elements of an input. */
  write(input: string, data: Float32Array | Uint32Array): void {
    const { value, data: target } = byName(this.#inputs, "input", input);
    expectData(input, value.spec, data);
    target.set(data);
  }

  /** Runs one step, to its end. */
  run(record = false): void {
    for (const { kernel, buffers } of this.#calls) {
      for (const phase of kernel.phases) {
        for (let task = 0; task < phase.tasks; task++) phase.run(buffers, task, this.#context);
      }
    }
    if (!record) return;
    if (this.#recorded === SCALAR_CAPACITY) {
      throw new DeviceError(`More than ${SCALAR_CAPACITY} steps were recorded without readScalars()`);
    }
    const row = this.#records[this.#recorded++];
    for (let i = 0; i < row.length; i++) row[i] = this.#scalars[i][0];
  }

  /** Copies an output out. */
  read(output: string): Promise<Float32Array | Uint32Array> {
    return Promise.resolve(byName(this.#outputs, "output", output).slice());
  }

  /** The scalars of the recorded steps. */
  readScalars(): Promise<Float32Array[]> {
    const rows = this.#records.slice(0, this.#recorded).map((row) => row.slice());
    this.#recorded = 0;
    return Promise.resolve(rows);
  }

  /** Gives the memory back. */
  destroy(): void {
    for (const block of this.#blocks) this.#memory.free(block);
    this.#blocks.length = 0;
  }
}
