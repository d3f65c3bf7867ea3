/** The WebGPU backend: allocation, and programs that are one list of dispatches with one submit a step. */

import type { Backend, BackendCompileOptions, Capacity, Executable, MemoryNeed, Storage } from "../backend.ts";
import { DeviceError, OutOfMemoryError } from "../util/errors.ts";
import { hostElements } from "../util/float16.ts";
import { argument, sentence } from "../util/sentence.ts";
import { expectStallTimeout } from "../util/stall_watch.ts";
import type { Plan } from "../plan/plan.ts";
import type { DevicePeaks } from "../profiling/profile.ts";
import { byteSize, elementCount, type TensorSpec } from "../graph/shape.ts";
import { BufferUsage, MapMode } from "./constants.ts";
import {
  type AdapterReport,
  deviceFailure,
  DeviceMonitor,
  deviceProfile,
  firstLine,
  type GpuOptions,
  implementationOf,
  mebibytes,
  reportAdapter,
  requestAdapter,
  requestDevice,
  runtimeName,
  type WatchedProgram,
} from "./device.ts";
import { WebGpuExecutable } from "./executable.ts";
import { findFloat16Problem } from "./float16_check.ts";
import { checkSubgroups, type SubgroupSupport } from "./subgroup_support.ts";
import { PipelineCache } from "./pipelines.ts";
import { bufferBytes, memoryNeed } from "./memory.ts";
import { measureWebGpuPeaks } from "./roofline.ts";
import { WebGpuStorage } from "./storage.ts";
import { poisonTexels, texelShape, texelTexture, texelTextureBytes, type TexelType } from "./texels.ts";
import { WebGpuTuner } from "./tuning/tuner.ts";
import type { DeviceLimits, DeviceProfile } from "./tuning/device_profile.ts";
import { KernelPolicy } from "./tuning/policy.ts";
import { type KernelTable, SHIPPED_TABLES } from "./tuning/tables.ts";

/** What helps where there is no adapter. Browsers bring WebGPU with them, and call themselves Mozilla. */
function adapterHint(): string {
  return runtimeName().startsWith("Mozilla/")
    ? "take a browser that has WebGPU and let it use hardware acceleration"
    : "install a Vulkan, Metal or Direct3D 12 driver (on Debian without a GPU: mesa-vulkan-drivers)";
}

/** The options of {@link WebGpuBackend.create}. */
export interface WebGpuBackendOptions extends GpuOptions {
  /** The most bytes that may be allocated. Defaults to all that the device has. */
  readonly memory?: number;
  /** Kernels for devices of a kind, which are asked before the tables that come with the library. */
  readonly tables?: readonly KernelTable[];
  /**
   * Seconds that the device may work on one step without an answer, after which it is taken to hang. Time in which this program
   * is suspended does not count, and a device that was slow before has more. Defaults to 300, and to 1800 for software.
   */
  readonly stallTimeout?: number;
}

/** Runs programs through WebGPU. */
export class WebGpuBackend implements Backend {
  readonly name = "webgpu";
  readonly description: string;
  /** The adapter's name, features and identity. */
  readonly adapter: AdapterReport;
  /** The device. */
  readonly device: GPUDevice;
  /** The pipelines made so far. */
  readonly pipelines: PipelineCache;
  /** Chooses kernels by timing them. */
  readonly tuner: WebGpuTuner;
  readonly capacity: Capacity;
  /** Kept, since Dawn in Node frees what an implementation that was collected has made. */
  readonly gpu: GPU | undefined;
  readonly #monitor: DeviceMonitor;
  readonly #tables: readonly KernelTable[];
  #policy: KernelPolicy;
  #subgroups: SubgroupSupport = {};
  #live = 0;
  #whyNoFloat16: Promise<string | undefined> | undefined;

  private constructor(
    adapter: GPUAdapter,
    device: GPUDevice,
    { gpu, memory = Infinity, tables = [], stallTimeout }: WebGpuBackendOptions,
  ) {
    this.gpu = implementationOf({ gpu });
    this.adapter = reportAdapter(adapter);
    this.description = `WebGPU, ${this.adapter.name}`;
    this.device = device;
    this.#tables = [...tables, ...SHIPPED_TABLES];
    this.#policy = new KernelPolicy(deviceProfile(device, adapter, { gpu: this.gpu }), this.#tables);
    this.#monitor = new DeviceMonitor(device, this.adapter, stallTimeout);
    this.pipelines = new PipelineCache(device, this.#monitor);
    this.tuner = new WebGpuTuner(this);
    const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
    this.capacity = { tensor: Math.min(maxStorageBufferBindingSize, maxBufferSize, memory), total: memory };
  }

  /**
   * Takes the default adapter of an implementation.
   *
   * @param options The implementation, the limits of memory and time, and kernels.
   * @throws {DeviceError} If there is none, or it gives no device.
   * @throws {UsageError} If `stallTimeout` is not above 0.
   */
  static async create(options: WebGpuBackendOptions = {}): Promise<WebGpuBackend> {
    expectStallTimeout(options.stallTimeout);
    const adapter = await requestAdapter(options);
    if (adapter === undefined) {
      throw new DeviceError(
        sentence`No WebGPU adapter was found, so the backend webgpu cannot be used: ${adapterHint()}, or use ${
          argument("backend", "cpu")
        }`,
      );
    }
    const backend = new WebGpuBackend(adapter, await requestDevice(adapter), options);
    const support = backend.#subgroups = await checkSubgroups(backend, adapter);
    if (support.whyNoSubgroups === undefined) {
      backend.#policy = new KernelPolicy(
        { ...backend.profile, subgroups: true, subgroupMatrix: support.matrix },
        backend.#tables,
      );
    }
    return backend;
  }

  /** Chooses the kernels that run. */
  get policy(): KernelPolicy {
    return this.#policy;
  }

  /** The device works while more steps are queued. */
  readonly stepsInFlight = 8;

  /** What is known of the device when kernels are chosen. */
  get profile(): DeviceProfile {
    return this.policy.device;
  }

  /** What kernels must respect. */
  get limits(): DeviceLimits {
    return this.policy.device.limits;
  }

  /** The bytes of one buffer. */
  get maxResidentBytes(): number {
    return this.capacity.tensor;
  }

  /** Whether the adapter has f16. */
  get hasFloat16(): boolean {
    return this.device.features.has("shader-f16");
  }

  /** Why the device does not support mixed precision; the check on the device runs once. */
  whyNoFloat16(): Promise<string | undefined> {
    if (!this.hasFloat16) return Promise.resolve(`the adapter ${this.adapter.name} has no float16 (shader-f16)`);
    this.#whyNoFloat16 ??= findFloat16Problem(this).then((problem) =>
      problem && `the adapter ${this.adapter.name} ${problem}`
    );
    return this.#whyNoFloat16;
  }

  /** Whether kernels may use subgroups and their matrices, which was checked on the device. */
  get subgroups(): SubgroupSupport {
    return this.#subgroups;
  }

  /** Bytes of live buffers and textures. */
  get liveBytes(): number {
    return this.#live;
  }

  /** Allocates memory that outlives a step. */
  allocate(spec: TensorSpec): Storage {
    return new WebGpuStorage(this, spec);
  }

  /** The bytes of a tensor's buffer. */
  allocatedBytes(spec: TensorSpec): number {
    return bufferBytes(byteSize(spec));
  }

  /** The memory that a plan would take. */
  memoryNeed(plan: Plan, options: Pick<BackendCompileOptions, "scalars" | "chooseVariant" | "collective">): MemoryNeed {
    return memoryNeed(plan, this.policy, this.capacity.tensor, options);
  }

  /** Makes a plan executable. */
  async compile(plan: Plan, options: BackendCompileOptions): Promise<Executable> {
    const executable = await WebGpuExecutable.create(this, plan, options);
    try {
      await this.settleAllocations();
      this.check();
      return executable;
    } catch (error) {
      executable.destroy();
      throw error;
    }
  }

  /**
   * A storage buffer of at least that many bytes, counted in {@link WebGpuBackend.liveBytes}. Whether the device had the memory
   * is known only after {@link WebGpuBackend.settleAllocations}.
   *
   * @throws {OutOfMemoryError} If it is larger than the device can bind, or goes beyond the limit that was given.
   */
  createBuffer(bytes: number, label: string, usage: number = 0): GPUBuffer {
    const size = bufferBytes(bytes), { tensor, total } = this.capacity;
    if (size > tensor) {
      throw new OutOfMemoryError(
        `${label} takes ${mebibytes(size)} MiB but this device binds at most ${Math.floor(tensor / 2 ** 20)} MiB`,
        total,
      );
    }
    const storage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST;
    // Staging buffers are small, lie in host memory and are mostly freed at once.
    if ((usage & BufferUsage.MAP_READ) === 0) this.#expectRoom(size, label);
    return this.#watched(size, label, () => this.device.createBuffer({ label, size, usage: usage || storage }));
  }

  #expectRoom(size: number, label: string): void {
    const { total } = this.capacity;
    if (this.#live + size <= total) return;
    throw new OutOfMemoryError(
      `${label} takes ${mebibytes(size)} MiB, which beside the ${mebibytes(this.#live)} MiB in use is more than the ` +
        `limit of ${Math.floor(total / 2 ** 20)} MiB`,
      total,
    );
  }

  /** Allocates, and watches for the device's out-of-memory error. */
  #watched<T>(size: number, label: string, create: () => T): T {
    this.device.pushErrorScope("out-of-memory");
    const made = create();
    this.#monitor.watchAllocation(label, size, this.device.popErrorScope(), this.#live);
    this.#live += size;
    return made;
  }

  /**
   * Waits until it is known whether the device had memory for every buffer.
   *
   * @throws {OutOfMemoryError} If it had not.
   */
  async settleAllocations(): Promise<void> {
    await this.#monitor.settleAllocations();
  }

  /** Gives a buffer back at once, not when it is collected. */
  destroyBuffer(buffer: GPUBuffer): void {
    this.#live -= buffer.size;
    buffer.destroy();
  }

  /** A texture that buffers are read through, counted in {@link WebGpuBackend.liveBytes}. */
  createTexelTexture(rows: number, dtype: TexelType, poison: boolean): GPUTexture {
    const size = texelTextureBytes(texelShape(rows, dtype)), label = `a texture of ${rows} rows`;
    this.#expectRoom(size, label);
    const texture = this.#watched(
      size,
      label,
      () => this.device.createTexture({ ...texelTexture(rows, dtype), label }),
    );
    if (poison) poisonTexels(this.device, texture);
    return texture;
  }

  /** Gives a texture back at once. */
  destroyTexelTexture(texture: GPUTexture): void {
    this.#live -= texelTextureBytes(texture);
    texture.destroy();
  }

  /** Copies a tensor out of a buffer; waits for the device. */
  async readBuffer(buffer: GPUBuffer, spec: TensorSpec): Promise<Float32Array | Uint32Array> {
    const bytes = Math.ceil(byteSize(spec) / 4) * 4;
    const staging = this.createBuffer(bytes, "staging", BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    try {
      await this.mapRead(staging);
      const copy = staging.getMappedRange(0, bytes).slice(0);
      staging.unmap();
      return hostElements(spec, copy, elementCount(spec.shape));
    } finally {
      this.destroyBuffer(staging);
    }
  }

  /** Waits for a staging buffer, and raises the device's own error rather than the mapping's. */
  async mapRead(buffer: GPUBuffer): Promise<void> {
    await this.settleAllocations();
    try {
      await this.#monitor.waitForResults(buffer.mapAsync(MapMode.READ));
    } catch (error) {
      // A device that is lost fails what is mapped before it says so.
      await this.#monitor.checkLoss();
      throw deviceFailure(`Reading from the GPU failed: ${firstLine((error as Error).message)}`);
    }
    this.check();
  }

  /** Waits for a promise of the device's, which may be lost or hang. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return this.#monitor.wait(promise);
  }

  /** Queues work of a program, whose failure it is if it is invalid. */
  watchProgram<T>(program: WatchedProgram, queue: () => T): T {
    return this.#monitor.watchProgram(program, queue);
  }

  /** Forgets a program that is destroyed. */
  releaseProgram(program: WatchedProgram): void {
    this.#monitor.releaseProgram(program);
  }

  /** Raises what went wrong on the device, if anything did. */
  check(): void {
    this.#monitor.check();
  }

  /** Measures the device's peaks. */
  measurePeaks(): Promise<DevicePeaks> {
    return measureWebGpuPeaks(this);
  }

  /** Waits until all queued work is done. */
  async finish(): Promise<void> {
    this.check();
    await this.#monitor.waitForResults(this.device.queue.onSubmittedWorkDone());
    this.check();
  }

  /** Gives the device back, as {@link WebGpuBackend.destroy} does. */
  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Gives the device back. */
  destroy(): void {
    this.#monitor.close();
    this.device.destroy();
  }
}
