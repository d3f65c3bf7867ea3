/** Acquires an adapter, and a device with the adapter's limits, and watches for its errors. */

import { DeviceError, OutOfMemoryError, UsageError } from "../util/errors.ts";
import { formatHash, hashText } from "../util/hash.ts";
import { argument, type Sentence, sentence } from "../util/sentence.ts";
import { DeviceWaits, STALL_SECONDS } from "./device_waits.ts";
import { SUBGROUP_MATRIX_FEATURE } from "./subgroup_matrix.ts";
import { maxTexels } from "./texels.ts";
import { architectureName, type DeviceProfile, vendorName } from "./tuning/device_profile.ts";
import { multiprocessorsOf } from "./tuning/multiprocessors.ts";

/** A description of an adapter. */
export interface AdapterReport {
  /** The adapter's name for people. */
  readonly name: string;
  /** Whether it runs on the CPU (lavapipe, SwiftShader, WARP). */
  readonly software: boolean;
  /** The optional features that it has. */
  readonly features: readonly string[];
  /**
   * The adapter, its limits and features, and the runtime on one line: the key of kernels' timings. WebGPU does not name the
   * driver, but a new one often changes these.
   */
  readonly identity: string;
}

/** Names of adapters that run on the CPU, for drivers that do not say so themselves. */
const SOFTWARE_NAMES = /llvmpipe|lavapipe|swiftshader|software|basic render|warp/i;

/** Which implementation of WebGPU is used. */
export interface GpuOptions {
  /**
   * An implementation of the standard, such as Dawn's by npm's `webgpu`. Defaults to the engine's own, `navigator.gpu`; where
   * there is none, there is no adapter.
   */
  readonly gpu?: GPU;
}

/** The implementation that is given, or the engine's own, if it has one. */
export function implementationOf({ gpu }: GpuOptions): GPU | undefined {
  return gpu ?? (globalThis as { navigator?: { readonly gpu?: GPU } }).navigator?.gpu;
}

/**
 * The default adapter, or nothing where there is none.
 *
 * @param options `gpu`: the implementation to ask. Defaults to the engine's own.
 * @throws {UsageError} If `gpu` has no `requestAdapter`.
 * @throws {DeviceError} If asking for one fails.
 */
export async function requestAdapter(options: GpuOptions = {}): Promise<GPUAdapter | undefined> {
  const gpu = implementationOf(options);
  if (gpu === undefined) return undefined;
  if (typeof gpu?.requestAdapter !== "function") {
    throw new UsageError(
      "Expected gpu to be an implementation of WebGPU, an object with requestAdapter() such as navigator.gpu, but it has none",
    );
  }
  try {
    return await gpu.requestAdapter({ powerPreference: "high-performance" }) ?? undefined;
  } catch (error) {
    throw new DeviceError(`Asking for a WebGPU adapter failed: ${(error as Error).message}`);
  }
}

/** Describes an adapter. */
export function reportAdapter(adapter: GPUAdapter): AdapterReport {
  const { description, device, vendor, architecture } = adapter.info;
  const name = [device, description, architecture, vendor].find((text) => text && !/^\d+$/.test(text)) ??
    "unnamed adapter";
  const fallback = (adapter.info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true;
  const features = [...adapter.features].sort();
  const about = [["vendor", vendor], ["device", device], ["architecture", architecture], ["description", description]]
    .filter(([, text]) => text && text !== name).map(([what, text]) => `${what} ${text}`);
  const abilities = formatHash(hashText(`${limitsOf(adapter)} ${features}`));
  const identity = [name, ...about, `abilities ${abilities}`, runtimeName()].join("; ");
  return { name, software: fallback || SOFTWARE_NAMES.test(name), features, identity };
}

/** The runtime and its version, as far as it says. Node has had `navigator` since version 21. */
export function runtimeName(): string {
  const { navigator, process } = globalThis as {
    navigator?: { readonly userAgent?: string };
    process?: { readonly version?: string };
  };
  return navigator?.userAgent ?? (process?.version === undefined ? "an unnamed runtime" : `Node.js/${process.version}`);
}

/** All limits by name, which are properties of the prototype. */
function limitsOf({ limits }: GPUAdapter): string {
  const names = Object.keys(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(limits))).sort();
  return names.map((name) => [name, limits[name as keyof GPUSupportedLimits]])
    .filter(([, limit]) => typeof limit === "number").map((limit) => limit.join(" ")).join(", ");
}

/** The limits that are asked for at the adapter's own values. */
const RAISED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/**
 * A device with the adapter's limits, and its timestamps, float16, subgroups and their matrices where it has them.
 *
 * @throws {DeviceError} If the adapter refuses.
 */
export async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits: Record<string, number> = {};
  for (const limit of RAISED_LIMITS) requiredLimits[limit] = adapter.limits[limit];
  const requiredFeatures = (["timestamp-query", "shader-f16", "subgroups", SUBGROUP_MATRIX_FEATURE] as GPUFeatureName[])
    .filter((feature) => adapter.features.has(feature));
  try {
    return await adapter.requestDevice({ requiredLimits, requiredFeatures });
  } catch (error) {
    throw new DeviceError(`The adapter ${reportAdapter(adapter).name} gave no device: ${(error as Error).message}`);
  }
}

/**
 * What is known of a device when kernels are chosen for it. Whether it has subgroups is not known before they were checked.
 *
 * @param options `gpu`: the implementation that the adapter is of. Defaults to the engine's own.
 */
export function deviceProfile(device: GPUDevice, adapter: GPUAdapter, options: GpuOptions = {}): DeviceProfile {
  const gpu = implementationOf(options);
  const { name, software } = reportAdapter(adapter), vendor = vendorName(adapter.info.vendor);
  const architecture = architectureName(vendor, adapter.info.architecture, name);
  const {
    maxComputeWorkgroupsPerDimension,
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupStorageSize,
    maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage,
  } = device.limits;
  return {
    name,
    kind: software ? "software" : "hardware",
    vendor,
    architecture,
    multiprocessors: multiprocessorsOf(vendor, architecture, name),
    limits: {
      maxComputeWorkgroupsPerDimension,
      maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupStorageSize,
      maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage,
      maxTexels: gpu === undefined ? 0 : maxTexels(device, gpu),
    },
    float16: device.features.has("shader-f16"),
    subgroups: false,
  };
}

/**
 * Makes objects of a device, or queues work, and catches what is invalid of it: such an error belongs to the caller, and does not
 * reach the device's event. Nothing may be awaited inside, since the scopes of a device are a stack.
 */
export function inErrorScope<T>(
  device: GPUDevice,
  make: () => T,
): { readonly made: T; readonly error: Promise<GPUError | null> } {
  device.pushErrorScope("validation");
  let error: Promise<GPUError | null> | undefined;
  const pop = () => error ??= device.popErrorScope().catch(() => null);
  try {
    const made = make();
    return { made, error: pop() };
  } finally {
    pop();
  }
}

/** Milliseconds that a device has to say that it is lost, once it has failed otherwise. */
const LOSS_PATIENCE = 100;

/** The error of a device that does not do its work. */
export function deviceFailure(what: string | Sentence): DeviceError {
  return new DeviceError(
    sentence`${what}; if that happens again, update the GPU's driver or use ${argument("backend", "cpu")}`,
  );
}

/** A program, as messages name it. */
export interface WatchedProgram {
  /** The name. */
  readonly name: string;
}

/**
 * Remembers the errors of a device, since WebGPU raises none by itself. What is invalid of a program's work fails all that
 * follows until that program is destroyed: nothing may be read or saved of variables that it left half updated. A lost device
 * stays lost, and an error that belongs to no program stays.
 */
export class DeviceMonitor {
  #failure: DeviceError | undefined;
  /** The failures of programs that are not destroyed yet. */
  readonly #failures = new Map<WatchedProgram, DeviceError>();
  /** The destroyed programs, whose last errors may still arrive. */
  readonly #released = new WeakSet<WatchedProgram>();
  readonly #device: GPUDevice;
  readonly #waits: DeviceWaits;
  #closing = false;
  readonly #allocations = new Set<Promise<void>>();
  #refused: OutOfMemoryError | undefined;
  /** The labels of buffers whose allocation failed; later errors that name one are ignored. */
  readonly #missing = new Set<string>();

  /**
   * Starts to watch.
   *
   * @param adapter The device's adapter, for messages.
   * @param stallTimeout Seconds that the device may work on one submit without an answer. Defaults to 300, and to 1800 for
   * software.
   */
  constructor(
    device: GPUDevice,
    { name, software }: Pick<AdapterReport, "name" | "software">,
    stallTimeout: number = STALL_SECONDS[software ? "software" : "hardware"],
  ) {
    this.#device = device;
    this.#waits = new DeviceWaits({
      limit: stallTimeout,
      onStall: (seconds) =>
        this.#failure ??= deviceFailure(
          sentence`The GPU ${name} has not answered for ${seconds} seconds, so its driver seems to hang; where it is only slow, use ${
            argument("stallTimeout", 4 * seconds)
          }`,
        ),
    });
    device.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      const { message } = (event as GPUUncapturedErrorEvent).error;
      if ([...this.#missing].some((label) => message.includes(label))) return;
      this.#failure ??= deviceFailure(`The GPU reported an error: ${firstLine(message)}`);
    });
    device.lost.then(({ reason, message }) => {
      if (this.#closing) return;
      this.#failure ??= deviceFailure(`The GPU device was lost (${reason}: ${firstLine(message)})`);
      this.#waits.fail(this.#failure);
    });
  }

  /**
   * Watches over an allocation.
   *
   * @param label The buffer's.
   * @param error What the allocation's error scope gives.
   * @param live The bytes of the buffers before it.
   */
  watchAllocation(label: string, size: number, error: Promise<GPUError | null>, live: number): void {
    // A device that is lost may not say how it went; that it is lost is said elsewhere.
    const watched = error.catch(() => null).then((found) => {
      this.#allocations.delete(watched);
      if (found === null) return;
      this.#missing.add(label);
      this.#refused ??= new OutOfMemoryError(
        `${label} takes ${mebibytes(size)} MiB, for which the GPU has no memory left beside the ${
          mebibytes(live)
        } MiB in use`,
        live,
      );
    });
    this.#allocations.add(watched);
  }

  /**
   * Waits for the outcome of every allocation.
   *
   * @throws {OutOfMemoryError} If one failed; thrown once.
   */
  async settleAllocations(): Promise<void> {
    if (this.#allocations.size > 0) await this.wait(Promise.all(this.#allocations));
    const refused = this.#refused;
    this.#refused = undefined;
    if (refused !== undefined) throw refused;
  }

  /**
   * Does work of a program. What is invalid of it is the program's failure.
   *
   * @param queue Encodes and submits, at once.
   */
  watchProgram<T>(program: WatchedProgram, queue: () => T): T {
    const { made, error } = inErrorScope(this.#device, queue);
    this.#waits.submitted(program);
    error.then((found) => {
      if (found === null || this.#released.has(program)) return;
      if (this.#failures.has(program)) return;
      this.#failures.set(
        program,
        deviceFailure(`The GPU reported an error in ${program.name}: ${firstLine(found.message)}`),
      );
    });
    return made;
  }

  /** Waits for a promise of the device's, which may be lost or hang. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return this.#waits.wait(promise);
  }

  /** Waits for results of the device's. */
  waitForResults<T>(promise: Promise<T>): Promise<T> {
    return this.#waits.waitForResults(promise);
  }

  /** Gives a device that has failed the time to say that it is lost, and throws the first error, if there was one. */
  async checkLoss(): Promise<void> {
    await Promise.race([this.#device.lost, new Promise((resolve) => setTimeout(resolve, LOSS_PATIENCE))]);
    this.check();
  }

  /** Forgets a program that is destroyed, and its failure. */
  releaseProgram(program: WatchedProgram): void {
    this.#released.add(program);
    this.#failures.delete(program);
  }

  /** Throws the first error, if there was one. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const failure of this.#failures.values()) throw failure;
  }

  /** Expects the device to be lost, since it is given back on purpose. */
  close(): void {
    this.#closing = true;
  }
}

/** Bytes in MiB, rounded up. */
export function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

/** The message of a WebGPU error on one line. */
export function firstLine(message: string): string {
  return message.replace(/\s*\n\s*/g, " ").trim();
}
