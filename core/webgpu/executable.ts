/**
 * A program on WebGPU. Pipelines and bind groups are made once; a step encodes one list of dispatches and submits once.
 * Scalars of recorded steps collect in a ring on the device, so that the queue need not wait for each to be read.
 */

import { type BackendCompileOptions, type Executable, SCALAR_CAPACITY } from "../backend.ts";
import { byName, expectData } from "../buffer_access.ts";
import { DeviceError } from "../errors.ts";
import type { Node, Value } from "../graph.ts";
import type { WebGpuLimits, WebGpuVariant } from "../op.ts";
import type { Plan } from "../plan.ts";
import { byteSize, formatSpec, type TensorSpec } from "../shape.ts";
import type { WebGpuBackend } from "./backend.ts";
import { shaderText } from "./kernel.ts";
import { type DispatchTime, type ProfiledDispatch, Profiler } from "./profiler.ts";
import { WebGpuStorage } from "./storage.ts";

interface Dispatch extends ProfiledDispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** Runs a plan on WebGPU. */
export class WebGpuExecutable implements Executable {
  readonly scalarCapacity = SCALAR_CAPACITY;
  readonly #backend: WebGpuBackend;
  readonly #owned: GPUBuffer[] = [];
  readonly #dispatches: Dispatch[] = [];
  readonly #buffers = new Map<Value, GPUBuffer>();
  readonly #inputs = new Map<string, Value>();
  readonly #outputs = new Map<string, Value>();
  readonly #scalars: readonly string[];
  readonly #poison: boolean;
  readonly #stagings: GPUBuffer[] = [];
  #ring: GPUBuffer | undefined;
  #recorded = 0;

  private constructor(backend: WebGpuBackend, options: BackendCompileOptions) {
    this.#backend = backend;
    this.#scalars = options.scalars;
    this.#poison = options.poison ?? false;
  }

  /** Allocates, compiles and binds. */
  static async create(backend: WebGpuBackend, plan: Plan, options: BackendCompileOptions): Promise<WebGpuExecutable> {
    const executable = new WebGpuExecutable(backend, options);
    try {
      executable.#place(plan, options);
      await backend.settleAllocations();
      for (const run of runsOf(plan.nodes, backend.limits)) {
        await executable.#prepare(plan.nodes.slice(run.from, run.to), run.from, options);
      }
    } catch (error) {
      executable.destroy();
      throw error;
    }
    return executable;
  }

  /** The number of dispatches of a step. */
  get dispatches(): number {
    return this.#dispatches.length;
  }

  #own(bytes: number, label: string, usage?: number): GPUBuffer {
    const buffer = this.#backend.createBuffer(bytes, label, usage);
    this.#owned.push(buffer);
    if (this.#poison && usage === undefined) {
      this.#backend.device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(NaN));
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
    for (const value of plan.variables) {
      const storage = options.variables.get(value.name);
      if (storage instanceof WebGpuStorage) this.#buffers.set(value, storage.buffer);
      else if (value.initializer?.kind === "constant") {
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

  /** Makes the dispatches of a node, or of several that are done together. */
  async #prepare(nodes: readonly Node[], index: number, options: BackendCompileOptions): Promise<void> {
    const { device, limits, pipelines } = this.#backend, [node] = nodes;
    const variant = variantOf(nodes, limits, options);
    const cost = nodes.map((each) => each.op.cost(each)).reduce((sum, { flops, bytes }) => ({
      flops: sum.flops + flops,
      bytes: sum.bytes + bytes,
    }));
    const values = nodes.flatMap((each) => [...each.arguments, ...each.results]);
    const workspace = (variant.workspace ?? []).map((spec) => ({
      spec,
      buffer: this.#own(byteSize(spec), `scratch of ${node.op.name}`),
    }));
    const specs: TensorSpec[] = [...values.map((value) => value.spec), ...workspace.map(({ spec }) => spec)];
    const buffers = [...values.map((value) => this.#buffers.get(value)!), ...workspace.map(({ buffer }) => buffer)];
    for (const [number, pass] of variant.passes.entries()) {
      const label = `${node.op.name} (${variant.name})`;
      for (const count of pass.workgroups) {
        if (count > device.limits.maxComputeWorkgroupsPerDimension || count < 1 || !Number.isInteger(count)) {
          throw new DeviceError(
            `${label} asks for ${pass.workgroups.join(" x ")} workgroups, which this device does not take`,
          );
        }
      }
      const pipeline = await pipelines.get(label, shaderText(pass, specs.map((spec) => spec.dtype)));
      const bindGroup = device.createBindGroup({
        label,
        layout: pipeline.getBindGroupLayout(0),
        entries: pass.bindings.map(({ index }, binding) => ({
          binding,
          resource: { buffer: buffers[index], size: Math.ceil(byteSize(specs[index]) / 16) * 16 },
        })),
      });
      this.#dispatches.push({
        pipeline,
        bindGroup,
        workgroups: pass.workgroups,
        op: node.op.name,
        variant: variant.name,
        pass: number,
        node: index,
        cost,
      });
    }
  }

  /** Replaces the elements of an input, in the order of the queue. */
  write(input: string, data: Float32Array | Uint32Array): void {
    const value = byName(this.#inputs, "input", input);
    expectData(input, value.spec, data);
    this.#backend.device.queue.writeBuffer(this.#buffers.get(value)!, 0, data as Float32Array<ArrayBuffer>);
  }

  /** Queues one step. */
  run(record = false): void {
    this.#backend.check();
    const encoder = this.#backend.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    let pipeline: GPUComputePipeline | undefined;
    for (const dispatch of this.#dispatches) {
      if (dispatch.pipeline !== pipeline) pass.setPipeline(pipeline = dispatch.pipeline);
      pass.setBindGroup(0, dispatch.bindGroup);
      pass.dispatchWorkgroups(...dispatch.workgroups);
    }
    pass.end();
    if (record) this.#record(encoder);
    this.#backend.device.queue.submit([encoder.finish()]);
  }

  /**
   * Runs one step and times its dispatches; waits for the device.
   *
   * @returns The dispatches in the order in which they ran.
   * @throws {DeviceError} If the device has no timestamps.
   */
  async profile(): Promise<DispatchTime[]> {
    const profiler = new Profiler(this.#backend.device, this.#dispatches.length);
    try {
      const encoder = this.#backend.device.createCommandEncoder();
      this.#dispatches.forEach(({ pipeline, bindGroup, workgroups }, index) => {
        const pass = encoder.beginComputePass(profiler.descriptor(index));
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(...workgroups);
        pass.end();
      });
      profiler.resolve(encoder);
      this.#backend.device.queue.submit([encoder.finish()]);
      const seconds = await profiler.read();
      this.#backend.check();
      return this.#dispatches.map(({ op, variant, pass, node, cost }, index) => ({
        op,
        variant,
        pass,
        node,
        cost,
        seconds: seconds[index],
      }));
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
      this.#own(this.#ringBytes, "staging", GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
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
    for (const buffer of this.#owned) this.#backend.destroyBuffer(buffer);
    this.#owned.length = 0;
    this.#stagings.length = 0;
  }
}

/** The bytes of recorded scalars. */
export function ringBytes(scalars: readonly string[]): number {
  return SCALAR_CAPACITY * scalars.length * 4;
}

/** The kernels of a node, or of several that are done together. */
export function variantOf(
  nodes: readonly Node[],
  limits: WebGpuLimits,
  { chooseVariant }: Pick<BackendCompileOptions, "chooseVariant">,
): WebGpuVariant {
  const [node] = nodes;
  if (nodes.length > 1) return node.op.webgpuTogether!.webgpu(nodes, limits);
  const variants = node.op.webgpu(node, limits);
  return variants[chooseVariant?.(node, variants) ?? preferredVariant(variants)];
}

/** The number of the variant that is taken where nothing was measured. */
export function preferredVariant(variants: readonly WebGpuVariant[]): number {
  return Math.max(0, variants.findIndex(({ preferred }) => preferred));
}

/** Splits nodes into those that are done together: neighbours of an op that can, none of which needs another's result. */
export function runsOf(
  nodes: readonly Node[],
  limits: WebGpuLimits,
): { readonly from: number; readonly to: number }[] {
  const runs: { from: number; to: number }[] = [];
  let from = 0, written = new Set<Value>();
  nodes.forEach((node, index) => {
    const first = nodes[from], most = node.op.webgpuTogether?.most(limits) ?? 1;
    const joins = index > from && node.op === first.op && index - from < most &&
      !node.arguments.some((value) => written.has(value));
    if (index > from && !joins) {
      runs.push({ from, to: index });
      from = index;
      written = new Set();
    }
    for (const value of node.results) written.add(value);
    for (const place of node.op.updates ?? []) written.add(node.arguments[place]);
  });
  if (from < nodes.length) runs.push({ from, to: nodes.length });
  return runs;
}
