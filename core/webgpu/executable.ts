/**
 * A program on WebGPU. Pipelines and bind groups are made once; a step encodes one list of dispatches and submits once.
 * Kernels that depend only on unchanged variables, such as the packing of weights in an inference, form a prologue that runs
 * again only after a write.
 */

import { type BackendCompileOptions, type Executable, SCALAR_CAPACITY } from "../backend.ts";
import { StepWaits } from "../step_waits.ts";
import { byName, expectData } from "../util/check_data.ts";
import { UsageError } from "../util/errors.ts";
import { deviceBytes } from "../util/float16.ts";
import type { Plan } from "../plan/plan.ts";
import type { DispatchTime, ProfileOptions } from "../profiling/profile.ts";
import type { WebGpuBackend } from "./backend.ts";
import { bindKernels } from "./bind_kernels.ts";
import { type LinkedProgram, linkKernels } from "./link.ts";
import { Profiler } from "./profiler.ts";
import { ProgramMemory } from "./program_memory.ts";
import { ScalarRing } from "./scalar_ring.ts";
import { encodeDispatches, type Section } from "./sections.ts";

/** Runs a plan on WebGPU. */
export class WebGpuExecutable implements Executable {
  readonly scalarCapacity: number = SCALAR_CAPACITY;
  /** What errors call it, by what it computes. */
  readonly name: string;
  readonly #backend: WebGpuBackend;
  readonly #memory: ProgramMemory;
  readonly #scalars: ScalarRing;
  readonly #linked: LinkedProgram;
  /** The waits of the last step. */
  #waits: StepWaits | undefined;
  /** The sum of the versions of the variables that a step only reads, when the prologue last ran. */
  #prologueVersion = -1;

  private constructor(
    backend: WebGpuBackend,
    name: string,
    memory: ProgramMemory,
    scalars: ScalarRing,
    linked: LinkedProgram,
  ) {
    this.#backend = backend;
    this.name = name;
    this.#memory = memory;
    this.#scalars = scalars;
    this.#linked = linked;
  }

  /** Allocates, compiles and binds. */
  static async create(backend: WebGpuBackend, plan: Plan, options: BackendCompileOptions): Promise<WebGpuExecutable> {
    const memory = new ProgramMemory(backend, plan, options.poison ?? false);
    try {
      memory.place(plan, options.variables);
      const scalars = new ScalarRing(backend, memory, options.scalars);
      await backend.settleAllocations();
      const linked = await linkKernels(backend, bindKernels(backend, plan, memory, options), memory, options);
      return new WebGpuExecutable(backend, nameOf(plan), memory, scalars, linked);
    } catch (error) {
      memory.destroy();
      throw error;
    }
  }

  /** The number of dispatches of a step, without the prologue's. */
  get dispatches(): number {
    return this.#linked.dispatches.length;
  }

  /** Replaces the elements of an input, in the order of the queue. */
  write(input: string, data: Float32Array | Uint32Array): void {
    const value = byName(this.#memory.inputs, "input", input);
    expectData(input, value.spec, data);
    this.#backend.device.queue.writeBuffer(this.#memory.bufferOf(value), 0, deviceBytes(value.spec, data));
  }

  /** Queues one step. */
  run(record = false): void {
    if (this.#linked.sections.length > 1) {
      throw new UsageError("A program that sums over ranks waits for them, so it runs by runTogether()");
    }
    this.#backend.check();
    this.#backend.watchProgram(this, () => {
      const encoder = this.#backend.device.createCommandEncoder({ label: this.name });
      this.encode(encoder);
      if (record) this.#scalars.record(encoder);
      this.#backend.device.queue.submit([encoder.finish()]);
    });
  }

  /** Queues one step, up to what waits for sums over ranks; then the rest. */
  async runTogether(record = false): Promise<void> {
    this.#backend.check();
    const prologue = this.#isPrologueDue() ? this.#linked.prologue : [];
    await this.#runSections((encoder, { dispatches, exchange }, index) => {
      encodeDispatches(encoder, index === 0 ? prologue : [], dispatches);
      if (record && exchange === undefined) this.#scalars.record(encoder);
    });
  }

  /** Submits the sections of a step one after the other, and exchanges sums with other ranks between them. */
  async #runSections(encode: (encoder: GPUCommandEncoder, section: Section, index: number) => void): Promise<void> {
    const step = this.#waits = new StepWaits();
    let begun = Promise.resolve();
    for (const [index, section] of this.#linked.sections.entries()) {
      const { exchange, waits = false } = section, begins = exchange !== undefined && !waits;
      // Several sums may be waited for at the same place.
      const isEmpty = index > 0 && waits && section.dispatches.length === 0;
      if (!isEmpty) {
        this.#backend.watchProgram(this, () => {
          const encoder = this.#backend.device.createCommandEncoder({ label: this.name });
          encode(encoder, section, index);
          if (begins) exchange.encode(encoder);
          this.#backend.device.queue.submit([encoder.finish()]);
        });
      }
      if (begins) begun = exchange.begin(begun, step.fail);
      else if (exchange !== undefined) {
        await step.for(exchange.done);
        exchange.write();
      }
    }
    for (const storage of this.#memory.updated) storage.version++;
  }

  /** Adds the dispatches of one step to what is submitted next. */
  encode(encoder: GPUCommandEncoder): void {
    encodeDispatches(encoder, this.#isPrologueDue() ? this.#linked.prologue : [], this.#linked.dispatches);
    for (const storage of this.#memory.updated) storage.version++;
  }

  /** Whether the next step runs the prologue first, as a variable has changed. */
  #isPrologueDue(): boolean {
    if (this.#linked.prologue.length === 0) return false;
    let version = 0;
    for (const source of this.#memory.sources) version += source.version;
    if (version === this.#prologueVersion) return false;
    this.#prologueVersion = version;
    return true;
  }

  /**
   * Runs one step and times its dispatches; waits for the device.
   *
   * @returns The dispatches in the order in which they ran.
   * @throws {DeviceError} If the device has no timestamps.
   */
  async profile({ record = false, host }: ProfileOptions = {}): Promise<DispatchTime[]> {
    this.#backend.check();
    const prologue = this.#isPrologueDue() ? this.#linked.prologue : [],
      dispatches = [...prologue, ...this.#linked.dispatches];
    const profiler = new Profiler(this.#backend, dispatches.length);
    try {
      const began = performance.now();
      let next = 0, encoded = began;
      await this.#runSections((encoder, section, index) => {
        for (const dispatch of [...index === 0 ? prologue : [], ...section.dispatches]) {
          const pass = profiler.begin(encoder, next++, dispatch.copies);
          pass.setPipeline(dispatch.pipeline);
          pass.setBindGroup(0, dispatch.bindGroup);
          pass.dispatchWorkgroups(...dispatch.workgroups);
          pass.end();
        }
        if (section.exchange === undefined) {
          if (record) this.#scalars.record(encoder);
          profiler.resolve(encoder);
        }
        encoded = performance.now();
      });
      const submitted = performance.now(), times = await profiler.read(submitted);
      this.#backend.check();
      host?.("encode", began, encoded);
      host?.("submit", encoded, submitted);
      host?.("wait for the device", submitted, performance.now());
      return dispatches.map(({ profile }, index) => ({ ...profile, ...times[index] }));
    } finally {
      profiler.destroy();
    }
  }

  /** Copies an output out; waits for the device. */
  read(output: string): Promise<Float32Array | Uint32Array> {
    const value = byName(this.#memory.outputs, "output", output);
    return this.#backend.readBuffer(this.#memory.bufferOf(value), value.spec);
  }

  /** The scalars of the recorded steps. Steps may be queued while the promise is pending. */
  readScalars(): Promise<Float32Array[]> {
    return this.#scalars.read();
  }

  /** Gives the buffers back; variables stay. */
  destroy(): void {
    this.#waits?.destroy();
    this.#memory.destroy();
    this.#backend.releaseProgram(this);
  }
}

/** A program by its outputs, or by what it updates. */
function nameOf({ outputs, variables }: Plan): string {
  const names = [...outputs.keys()];
  return names.length > 0
    ? `the program that computes ${names.join(", ")}`
    : `the program that updates ${variables[0]?.name ?? "nothing"} and others`;
}
