/** The WebGPU backend: allocation, and programs that are one list of dispatches with one submit a step. */

import type { Backend, BackendCompileOptions, Executable, Storage } from "../backend.ts";
import { DeviceError } from "../errors.ts";
import { hostElements } from "../half.ts";
import type { WebGpuLimits } from "../op.ts";
import type { Plan } from "../plan.ts";
import type { DevicePeaks } from "../profile.ts";
import { byteSize, elementCount, type TensorSpec } from "../shape.ts";
import {
  type AdapterReport,
  DeviceMonitor,
  reportAdapter,
  requestAdapter,
  requestDevice,
  webGpuLimits,
} from "./device.ts";
import { WebGpuExecutable } from "./executable.ts";
import { findHalfProblem } from "./half_check.ts";
import { PipelineCache } from "./kernel.ts";
import { measureWebGpuPeaks } from "./peak.ts";
import { WebGpuStorage } from "./storage.ts";
import { poisonTexels, texelTexture, texelTextureBytes, type TexelType } from "./texels.ts";
import { WebGpuTuner } from "./tuner.ts";

/** Runs programs through WebGPU. */
export class WebGpuBackend implements Backend {
  readonly name = "webgpu";
  readonly description: string;
  /** What the adapter is. */
  readonly adapter: AdapterReport;
  /** The device. */
  readonly device: GPUDevice;
  /** What kernels must respect, and may reckon with. */
  readonly limits: WebGpuLimits;
  /** The pipelines made so far. */
  readonly pipelines: PipelineCache;
  /** Chooses kernels by timing them. */
  readonly tuner: WebGpuTuner;
  readonly #monitor: DeviceMonitor;
  #live = 0;
  #halfProblem: Promise<string | undefined> | undefined;

  private constructor(adapter: GPUAdapter, device: GPUDevice) {
    this.adapter = reportAdapter(adapter);
    this.description = `WebGPU, ${this.adapter.name}`;
    this.device = device;
    this.limits = webGpuLimits(device, this.adapter);
    this.pipelines = new PipelineCache(device);
    this.#monitor = new DeviceMonitor(device);
    this.tuner = new WebGpuTuner(this);
  }

  /**
   * Takes the default adapter.
   *
   * @throws {DeviceError} If there is none, or it gives no device.
   */
  static async create(): Promise<WebGpuBackend> {
    const adapter = await requestAdapter();
    if (adapter === undefined) {
      throw new DeviceError(
        "No WebGPU adapter was found, so the backend webgpu cannot be used: install a Vulkan, Metal or Direct3D 12 driver " +
          "(on Debian without a GPU: mesa-vulkan-drivers), or use --backend cpu",
      );
    }
    return new WebGpuBackend(adapter, await requestDevice(adapter));
  }

  /** As many as one buffer holds. */
  get residentBytes(): number {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.device.limits;
    return Math.min(maxStorageBufferBindingSize, maxBufferSize);
  }

  /** Whether the adapter has f16. */
  get hasHalf(): boolean {
    return this.device.features.has("shader-f16");
  }

  /** Why mixed precision cannot be had; known answers are computed once. */
  halfProblem(): Promise<string | undefined> {
    if (!this.hasHalf) return Promise.resolve(`the adapter ${this.adapter.name} has no float16 (shader-f16)`);
    this.#halfProblem ??= findHalfProblem(this).then((problem) =>
      problem && `the adapter ${this.adapter.name} ${problem}`
    );
    return this.#halfProblem;
  }

  /** Bytes of live buffers and textures. */
  get liveBytes(): number {
    return this.#live;
  }

  /** Allocates memory that outlives a step. */
  allocate(spec: TensorSpec): Storage {
    return new WebGpuStorage(this, spec);
  }

  /** Makes a plan executable. */
  async compile(plan: Plan, options: BackendCompileOptions): Promise<Executable> {
    const executable = await WebGpuExecutable.create(this, plan, options);
    this.check();
    return executable;
  }

  /**
   * A storage buffer of at least that many bytes, counted in {@link WebGpuBackend.liveBytes}.
   *
   * @throws {DeviceError} If it is larger than the device can bind.
   */
  createBuffer(bytes: number, label: string, usage: number = 0): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const limit = this.residentBytes;
    if (size > limit) {
      throw new DeviceError(
        `${label} takes ${Math.ceil(size / 2 ** 20)} MiB but this device binds at most ${
          Math.floor(limit / 2 ** 20)
        } MiB; ` +
          `a batch at most ${(limit / size).toFixed(2)} times as large fits`,
      );
    }
    const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.device.createBuffer({ label, size, usage: usage || storage });
    this.#live += size;
    return buffer;
  }

  /** Gives a buffer back at once, not when it is collected. */
  destroyBuffer(buffer: GPUBuffer): void {
    this.#live -= buffer.size;
    buffer.destroy();
  }

  /** A texture that buffers are read through, counted in {@link WebGpuBackend.liveBytes}. */
  createTexelTexture(rows: number, dtype: TexelType, poison: boolean): GPUTexture {
    const texture = this.device.createTexture(texelTexture(rows, dtype));
    this.#live += texelTextureBytes(texture);
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
    const staging = this.createBuffer(bytes, "staging", GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
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
    try {
      await buffer.mapAsync(GPUMapMode.READ);
    } catch (error) {
      this.check();
      throw new DeviceError(`Reading from the GPU failed: ${(error as Error).message}`);
    }
    this.check();
  }

  /** Raises what went wrong on the device, if anything did. */
  check(): void {
    this.#monitor.check();
  }

  /** Measures what the device does at most. */
  measurePeaks(): Promise<DevicePeaks> {
    return measureWebGpuPeaks(this);
  }

  /** Waits until all queued work is done. */
  async finish(): Promise<void> {
    await this.device.queue.onSubmittedWorkDone();
    this.check();
  }

  /** Gives the device back. */
  destroy(): void {
    this.#monitor.close();
    this.device.destroy();
  }
}
