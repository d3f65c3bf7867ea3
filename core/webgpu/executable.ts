/**
 * A program on WebGPU. Pipelines and bind groups are made once; a step encodes one list of dispatches and submits once.
 * Kernels that depend only on unchanged variables, such as the packing of weights in an inference, form a prologue that runs
 * again only after a write. Scalars of recorded steps collect in a ring on the device, so that no step waits for a read.
 */

import { type BackendCompileOptions, type Executable, SCALAR_CAPACITY } from "../backend.ts";
import { StepWaits } from "../step_waits.ts";
import { byName, expectData } from "../util/check_data.ts";
import { DeviceError, UsageError } from "../util/errors.ts";
import type { Node, Value } from "../graph/graph.ts";
import { deviceBytes } from "../util/float16.ts";
import { BufferUsage } from "./constants.ts";
import { type BoundKernel, writeDispatches, type WrittenDispatch } from "./dispatches.ts";
import { type ExchangePoint, exchangePoints, type WebGpuExchange } from "./exchange.ts";
import { type Dispatch, encodeDispatches, type Section, sectionsOf } from "./sections.ts";
import type { Plan } from "../plan/plan.ts";
import type { DispatchTime, ProfiledDispatch, ProfileOptions } from "../profiling/profile.ts";
import { byteSize, formatSpec } from "../graph/shape.ts";
import type { WebGpuBackend } from "./backend.ts";
import { firstLine, inErrorScope } from "./device.ts";
import { ringBytes } from "./memory.ts";
import { type BoundBuffer, RANGES_ALIGNMENT, rangesBytes } from "./text/merge.ts";
import type { Shader } from "./pipelines.ts";
import { joinProfiles, type ProfiledKernel, Profiler } from "./profiler.ts";
import { ScratchPool } from "./scratch.ts";
import { WebGpuStorage } from "./storage.ts";
import { POISON, type TexelCopy, TexelPool, texelsOf, type TexelType } from "./texels.ts";

/** A kernel of a node's variant with its buffers, and what a profile tells of it. */
interface ProfiledBoundKernel extends BoundKernel<GPUBuffer> {
  readonly profile: ProfiledKernel;
}

/** The shader of a dispatch, and what it binds. */
interface DispatchShader extends Shader {
  readonly bound: readonly BoundBuffer<GPUBuffer>[];
  readonly workgroups: readonly [number, number, number];
  readonly profile: ProfiledDispatch;
  readonly ranges?: Uint32Array<ArrayBuffer>;
  /** Where its ranges begin, in bytes. */
  firstRange: number;
}

/** Runs a plan on WebGPU. */
export class WebGpuExecutable implements Executable {
  readonly scalarCapacity: number = SCALAR_CAPACITY;
  /** What errors call it, by what it computes. */
  readonly name: string;
  readonly #backend: WebGpuBackend;
  readonly #owned: GPUBuffer[] = [];
  /** The dispatches of every step. */
  readonly #dispatches: Dispatch[] = [];
  /** The same, between the sums over ranks; a single section where there are none. */
  #sections: readonly Section[] = [];
  readonly #exchanges: WebGpuExchange[] = [];
  /** The waits of the last step. */
  #waits: StepWaits | undefined;
  /** The dispatches that run before a step if a variable has changed. */
  readonly #prologue: Dispatch[] = [];
  /** The variables that a step reads and never changes. */
  readonly #sources = new Set<WebGpuStorage>();
  /** The variables that a step changes. */
  readonly #updated = new Set<WebGpuStorage>();
  /** The sum of the versions of {@link #sources} when the prologue last ran. */
  #prologueVersion = -1;
  readonly #buffers = new Map<Value, GPUBuffer>();
  readonly #inputs = new Map<string, Value>();
  readonly #outputs = new Map<string, Value>();
  readonly #scalars: readonly string[];
  readonly #poison: boolean;
  readonly #texels: TexelPool<GPUTexture>;
  readonly #scratch: ScratchPool<GPUBuffer>;
  readonly #stagings: GPUBuffer[] = [];
  #ring: GPUBuffer | undefined;
  /** What merged dispatches bind beside their buffers. */
  #ranges: GPUBuffer | undefined;
  #recorded = 0;

  private constructor(backend: WebGpuBackend, plan: Plan, options: BackendCompileOptions) {
    this.name = nameOf(plan);
    this.#backend = backend;
    this.#scalars = options.scalars;
    this.#poison = options.poison ?? false;
    this.#scratch = new ScratchPool((bytes) => this.#own(bytes, "shared scratch"), backend.maxResidentBytes);
    this.#texels = new TexelPool((rows, dtype) => backend.createTexelTexture(rows, dtype, this.#poison));
  }

  /** Allocates, compiles and binds. */
  static async create(backend: WebGpuBackend, plan: Plan, options: BackendCompileOptions): Promise<WebGpuExecutable> {
    const executable = new WebGpuExecutable(backend, plan, options);
    try {
      executable.#place(plan, options);
      await backend.settleAllocations();
      await executable.#link(executable.#bindAll(plan, options), options);
    } catch (error) {
      executable.destroy();
      throw error;
    }
    return executable;
  }

  /** The number of dispatches of a step, without the prologue's. */
  get dispatches(): number {
    return this.#dispatches.length;
  }

  #own(bytes: number, label: string, usage?: number): GPUBuffer {
    const buffer = this.#backend.createBuffer(bytes, label, usage);
    this.#owned.push(buffer);
    if (this.#poison && usage === undefined) {
      this.#backend.device.queue.writeBuffer(buffer, 0, new Uint32Array(buffer.size / 4).fill(POISON));
    }
    return buffer;
  }

  #place(plan: Plan, options: BackendCompileOptions): void {
    const largest = new Map<number, Value>();
    for (const [value, buffer] of plan.placement) {
      const other = largest.get(buffer);
      if (other === undefined || byteSize(value.spec) > byteSize(other.spec)) largest.set(buffer, value);
    }
    const planned = plan.bufferSizes.map((bytes, index) =>
      this.#own(bytes, `a tensor of ${formatSpec(largest.get(index)!.spec)}`)
    );
    for (const [value, buffer] of plan.placement) this.#buffers.set(value, planned[buffer]);
    for (const value of plan.inputs) {
      this.#inputs.set(value.name, value);
      this.#buffers.set(value, this.#own(byteSize(value.spec), `the input ${value.name} of ${formatSpec(value.spec)}`));
    }
    const updated = new Set(
      plan.nodes.flatMap((node) => (node.op.updates ?? []).map((index) => node.arguments[index])),
    );
    for (const value of plan.variables) {
      const storage = options.variables.get(value.name);
      if (storage instanceof WebGpuStorage) {
        this.#buffers.set(value, storage.buffer);
        (updated.has(value) ? this.#updated : this.#sources).add(storage);
      } else if (value.initializer?.kind === "constant") {
        const buffer = this.#own(byteSize(value.spec), value.name);
        this.#buffers.set(value, buffer);
        const data = new Float32Array(buffer.size / 4).fill(value.initializer.value);
        this.#backend.device.queue.writeBuffer(buffer, 0, data);
      } else throw new DeviceError(`The variable "${value.name}" lives on another backend`);
    }
    for (const [name, value] of plan.outputs) this.#outputs.set(name, value);
    for (const name of this.#scalars) byName(this.#outputs, "output", name);
    if (this.#scalars.length > 0) this.#ring = this.#own(this.#ringBytes, "recorded scalars");
  }

  get #ringBytes(): number {
    return ringBytes(this.#scalars);
  }

  /** The kernels of all nodes, and the sums over ranks between them. */
  #bindAll({ nodes }: Plan, options: BackendCompileOptions): (ProfiledBoundKernel | ExchangePoint)[] {
    const exchanges = this.#exchangePoints(nodes, options), points = (index: number) => exchanges.get(index) ?? [];
    const all = nodes.flatMap((node, index) => {
      const waits = points(index).filter(({ waits }) => waits), begins = points(index).filter(({ waits }) => !waits);
      return [...waits, ...(begins.length > 0 ? begins : this.#bind(node, index, options))];
    });
    return [...all, ...points(nodes.length)];
  }

  /** Where sums over ranks begin and are waited for, by the index of the node. */
  #exchangePoints(nodes: readonly Node[], { collective }: BackendCompileOptions): Map<number, ExchangePoint[]> {
    if (collective === undefined) return new Map();
    const bufferOf = (value: Value) => this.#buffers.get(value)!;
    return exchangePoints(nodes, this.#backend, collective, bufferOf, (made) => this.#exchanges.push(made));
  }

  /** The kernels of a node, with their buffers. */
  #bind(node: Node, index: number, options: BackendCompileOptions): ProfiledBoundKernel[] {
    const variant = this.#backend.policy.choose(node, options), cost = node.op.cost(node);
    const bound = [...node.arguments, ...node.results].map((value) => ({
      spec: value.spec,
      buffer: this.#buffers.get(value)!,
    }));
    const shared = new Set<GPUBuffer>();
    for (const [slot, spec] of (variant.workspace ?? []).entries()) {
      const buffer = variant.transient?.includes(slot)
        ? this.#scratch.take(byteSize(spec), shared)
        : this.#own(byteSize(spec), `scratch of ${node.op.name}`);
      bound.push({ spec, buffer });
    }
    return variant.kernels.map((kernel, number) => ({
      kernel,
      buffers: kernel.bindings.map(({ name, index, write, vector, texels }) => {
        const { spec, buffer } = bound[index], size = Math.ceil(byteSize(spec) / 16) * 16;
        return { name, buffer, size, dtype: spec.dtype, write, vector, texels };
      }),
      profile: {
        op: node.op.name,
        variant: variant.name,
        kernel: number,
        node: index,
        cost,
        whole: variant.kernels.length === 1,
      },
    }));
  }

  /** Schedules the kernels and makes the dispatches. */
  async #link(bound: readonly (ProfiledBoundKernel | ExchangePoint)[], options: BackendCompileOptions): Promise<void> {
    const { device, pipelines, policy } = this.#backend;
    const inputs = new Set([...this.#inputs.values()].map((value) => this.#buffers.get(value)!));
    const variables = new Set([...this.#sources, ...this.#updated].map(({ buffer }) => buffer));
    const { prologue, step, transfers } = writeDispatches(bound, policy, {
      isVariable: (buffer) => variables.has(buffer),
      isInput: (buffer) => inputs.has(buffer) || (options.everyStep === true && variables.has(buffer)),
    });
    const kernels = bound.filter((each) => each.kernel !== undefined);
    const shaders = [...prologue, ...step].map((written) => this.#shaderOf(written, bound));
    const built = await pipelines.getAll(shaders), errors: Promise<string | null>[] = [];
    this.#writeRanges(shaders, kernels.filter(({ kernel }) => kernel.elements).length);
    for (const [index, shader] of shaders.entries()) {
      const { made, error } = inErrorScope(device, () => this.#dispatchOf(shader, built[index]));
      (index < prologue.length ? this.#prologue : this.#dispatches).push(made);
      errors.push(
        error.then((found) => found && `${shader.label} does not bind its buffers: ${firstLine(found.message)}`),
      );
    }
    this.#sections = sectionsOf(
      this.#dispatches,
      transfers.map(({ index, after }) => ({ point: bound[index] as ExchangePoint, after })),
    );
    const problem = (await this.#backend.wait(Promise.all(errors))).find((each) => each !== null);
    // Where memory ran out, that is the reason.
    await this.#backend.settleAllocations();
    if (problem) throw new DeviceError(problem);
  }

  /** What is compiled for a dispatch, under the name of its ops. */
  #shaderOf(
    written: WrittenDispatch<GPUBuffer>,
    kernels: readonly (ProfiledBoundKernel | ExchangePoint)[],
  ): DispatchShader {
    const { text, buffers, ranges, workgroups } = written, { limits } = this.#backend;
    const profile = joinProfiles(written.members.map((index) => (kernels[index] as ProfiledBoundKernel).profile));
    const label = `${profile.op} (${profile.variant})`;
    for (const count of workgroups) {
      if (count > limits.maxComputeWorkgroupsPerDimension || count < 1 || !Number.isInteger(count)) {
        throw new DeviceError(
          `${label} asks for ${workgroups.join(" x ")} workgroups, which this device does not take`,
        );
      }
    }
    const kinds = ranges === undefined ? buffers : [...buffers, { uniform: true, dtype: "u32" } as const];
    return { label, text, buffers: kinds, bound: buffers, workgroups, profile, ranges, firstRange: 0 };
  }

  /** Writes the ranges of all merged dispatches into one buffer, as large as planning says. */
  #writeRanges(shaders: readonly DispatchShader[], movable: number): void {
    const bytes = rangesBytes(movable, this.#backend.policy.mergeShape), words = new Uint32Array(bytes / 4);
    if (bytes === 0) return;
    let first = 0;
    for (const shader of shaders) {
      if (shader.ranges === undefined) continue;
      words.set(shader.ranges, first / 4);
      shader.firstRange = first;
      first += Math.ceil(shader.ranges.byteLength / RANGES_ALIGNMENT) * RANGES_ALIGNMENT;
    }
    this.#ranges = this.#own(bytes, "ranges", BufferUsage.UNIFORM | BufferUsage.COPY_DST);
    this.#backend.device.queue.writeBuffer(this.#ranges, 0, words);
  }

  #dispatchOf(
    { label, buffers, bound, workgroups, profile, ranges, firstRange }: DispatchShader,
    pipeline: GPUComputePipeline,
  ): Dispatch {
    const { device, pipelines } = this.#backend, copies: TexelCopy[] = [], taken = new Set<GPUTexture>();
    const resources = bound.map(({ buffer, size, texels: isTexture, dtype }): GPUBindingResource => {
      if (!isTexture) return { buffer, size };
      const texels = texelsOf(size, dtype as TexelType), texture = this.#texels.take(texels, dtype as TexelType, taken);
      copies.push({ buffer, texture, texels });
      return texture.createView();
    });
    if (ranges !== undefined) {
      resources.push({ buffer: this.#ranges!, offset: firstRange, size: ranges.byteLength });
    }
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    const bindGroup = device.createBindGroup({ label, layout: pipelines.layoutOf(buffers), entries });
    return { pipeline, bindGroup, workgroups, copies, profile };
  }

  /** Replaces the elements of an input, in the order of the queue. */
  write(input: string, data: Float32Array | Uint32Array): void {
    const value = byName(this.#inputs, "input", input);
    expectData(input, value.spec, data);
    this.#backend.device.queue.writeBuffer(this.#buffers.get(value)!, 0, deviceBytes(value.spec, data));
  }

  /** Queues one step. */
  run(record = false): void {
    if (this.#sections.length > 1) {
      throw new UsageError("A program that sums over ranks waits for them, so it runs by runTogether()");
    }
    this.#backend.check();
    this.#backend.watchProgram(this, () => {
      const encoder = this.#backend.device.createCommandEncoder({ label: this.name });
      this.encode(encoder);
      if (record) this.#record(encoder);
      this.#backend.device.queue.submit([encoder.finish()]);
    });
  }

  /** Queues one step, up to what waits for sums over ranks; then the rest. */
  async runTogether(record = false): Promise<void> {
    this.#backend.check();
    const prologue = this.#isPrologueDue() ? this.#prologue : [];
    await this.#runSections((encoder, { dispatches, exchange }, index) => {
      encodeDispatches(encoder, index === 0 ? prologue : [], dispatches);
      if (record && exchange === undefined) this.#record(encoder);
    });
  }

  /** Submits the sections of a step one after the other, and exchanges sums with other ranks between them. */
  async #runSections(encode: (encoder: GPUCommandEncoder, section: Section, index: number) => void): Promise<void> {
    const step = this.#waits = new StepWaits();
    let begun = Promise.resolve();
    for (const [index, section] of this.#sections.entries()) {
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
    for (const storage of this.#updated) storage.version++;
  }

  /** Adds the dispatches of one step to what is submitted next. */
  encode(encoder: GPUCommandEncoder): void {
    encodeDispatches(encoder, this.#isPrologueDue() ? this.#prologue : [], this.#dispatches);
    for (const storage of this.#updated) storage.version++;
  }

  /** Whether the next step runs the prologue first, as a variable has changed. */
  #isPrologueDue(): boolean {
    if (this.#prologue.length === 0) return false;
    let version = 0;
    for (const source of this.#sources) version += source.version;
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
    const prologue = this.#isPrologueDue() ? this.#prologue : [], dispatches = [...prologue, ...this.#dispatches];
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
          if (record) this.#record(encoder);
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

  #record(encoder: GPUCommandEncoder): void {
    if (this.#recorded === SCALAR_CAPACITY) {
      throw new DeviceError(`More than ${SCALAR_CAPACITY} steps were recorded without readScalars()`);
    }
    this.#scalars.forEach((name, index) => {
      const source = this.#buffers.get(this.#outputs.get(name)!)!;
      encoder.copyBufferToBuffer(source, 0, this.#ring!, (this.#recorded * this.#scalars.length + index) * 4, 4);
    });
    this.#recorded++;
  }

  /** Copies an output out; waits for the device. */
  read(output: string): Promise<Float32Array | Uint32Array> {
    const value = byName(this.#outputs, "output", output);
    return this.#backend.readBuffer(this.#buffers.get(value)!, value.spec);
  }

  /** The scalars of the recorded steps. Steps may be queued while the promise is pending. */
  async readScalars(): Promise<Float32Array[]> {
    const rows = this.#recorded, width = this.#scalars.length;
    this.#recorded = 0;
    if (rows === 0) return [];
    const staging = this.#stagings.pop() ??
      this.#own(this.#ringBytes, "staging", BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    const encoder = this.#backend.device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#ring!, 0, staging, 0, rows * width * 4);
    this.#backend.device.queue.submit([encoder.finish()]);
    await this.#backend.mapRead(staging);
    const copy = new Float32Array(staging.getMappedRange(0, rows * width * 4).slice(0));
    staging.unmap();
    this.#stagings.push(staging);
    return Array.from({ length: rows }, (_, row) => copy.slice(row * width, (row + 1) * width));
  }

  /** Gives the buffers back; variables stay. */
  destroy(): void {
    this.#waits?.destroy();
    for (const exchange of this.#exchanges) exchange.destroy();
    this.#exchanges.length = 0;
    for (const buffer of this.#owned) this.#backend.destroyBuffer(buffer);
    this.#owned.length = 0;
    for (const texture of this.#texels.clear()) this.#backend.destroyTexelTexture(texture);
    this.#stagings.length = 0;
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
