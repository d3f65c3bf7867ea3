/**
 * A GPU that lies on demand. What a device is asked for is counted, over all devices that are requested while a fault is planted,
 * and at the call that the fault names something goes wrong that no test can bring about otherwise. Everything else is the
 * adapter's own work.
 */

/** What a device is asked for, and may get wrong. */
export const ASKED = ["submit", "map", "pipeline", "buffer"] as const;

/** One of {@link ASKED}. */
export type Asked = (typeof ASKED)[number];

/** What goes wrong: the name says at which calls. */
export type FaultKind =
  | `lost at a ${Asked}`
  | "no memory for a buffer"
  | "a pipeline is refused"
  | "a driver's error in a pipeline"
  | "a pipeline is invalid, as its scope says"
  | "a mapping fails"
  | "a mapping never ends";

/** The calls at which each goes wrong. */
export const FAULTS: Readonly<Record<FaultKind, Asked>> = {
  "lost at a submit": "submit",
  "lost at a map": "map",
  "lost at a pipeline": "pipeline",
  "lost at a buffer": "buffer",
  "no memory for a buffer": "buffer",
  "a pipeline is refused": "pipeline",
  "a driver's error in a pipeline": "pipeline",
  "a pipeline is invalid, as its scope says": "pipeline",
  "a mapping fails": "map",
  "a mapping never ends": "map",
};

/** A fault and the call, from 1, at which it happens. */
export interface Fault {
  readonly kind: FaultKind;
  readonly at: number;
}

/** Devices that are requested now are faulty, until it is disposed of. */
export interface Planted extends Disposable {
  /** The calls so far. */
  readonly calls: Readonly<Record<Asked, number>>;
  /** Resolves once the fault has happened. */
  readonly happened: Promise<void>;
}

/** Plants a fault, or counts calls alone. */
export function plantFault(fault?: Fault): Planted {
  const { requestDevice } = GPUAdapter.prototype, calls = { submit: 0, map: 0, pipeline: 0, buffer: 0 };
  const { promise: happened, resolve } = Promise.withResolvers<void>();
  const meets = (asked: Asked): FaultKind | undefined => {
    if (++calls[asked] !== fault?.at || FAULTS[fault.kind] !== asked) return undefined;
    resolve();
    return fault.kind;
  };
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor);
    makeFaulty(device, meets);
    return device;
  };
  return { calls, happened, [Symbol.dispose]: () => void (GPUAdapter.prototype.requestDevice = requestDevice) };
}

/** Error scopes, so that what is planted reaches the one that the device's own error would reach. */
function trackScopes(device: GPUDevice): (error: GPUError) => void {
  const scopes: { readonly filter: GPUErrorFilter; error?: GPUError }[] = [];
  const { pushErrorScope, popErrorScope } = GPUDevice.prototype;
  device.pushErrorScope = (filter) => {
    scopes.push({ filter });
    pushErrorScope.call(device, filter);
  };
  device.popErrorScope = async () => {
    const scope = scopes.pop(), own = await popErrorScope.call(device);
    return scope?.error ?? own;
  };
  return (error) => {
    const filter = error instanceof GPUOutOfMemoryError
      ? "out-of-memory"
      : error instanceof GPUValidationError
      ? "validation"
      : "internal";
    const scope = scopes.findLast((each) => each.filter === filter);
    if (scope !== undefined) scope.error ??= error;
    else device.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
  };
}

function makeFaulty(device: GPUDevice, meets: (asked: Asked) => FaultKind | undefined): void {
  const { createBuffer, createComputePipelineAsync, pushErrorScope, popErrorScope } = GPUDevice.prototype;
  const raise = trackScopes(device), submit = device.queue.submit.bind(device.queue);
  device.queue.submit = (commands) => {
    const kind = meets("submit");
    submit(commands);
    if (kind !== undefined) device.destroy();
  };
  device.createBuffer = (descriptor) => {
    const kind = meets("buffer");
    if (kind === "lost at a buffer") device.destroy();
    if (kind === "no memory for a buffer") {
      // It is invalid, as one that got no memory; why, the test says, not the device.
      pushErrorScope.call(device, "validation");
      const invalid = createBuffer.call(device, { ...descriptor, usage: 0 });
      void popErrorScope.call(device);
      raise(new GPUOutOfMemoryError("not enough memory left"));
      return invalid;
    }
    const buffer = createBuffer.call(device, descriptor), mapAsync = buffer.mapAsync.bind(buffer);
    buffer.mapAsync = (mode, ...range) => {
      const kind = meets("map");
      if (kind === "a mapping fails") return Promise.reject(new DOMException("it went wrong", "OperationError"));
      if (kind === "a mapping never ends") return new Promise(() => {});
      const mapped = mapAsync(mode, ...range);
      if (kind === "lost at a map") device.destroy();
      return mapped;
    };
    return buffer;
  };
  device.createComputePipelineAsync = (descriptor) => {
    const kind = meets("pipeline");
    if (kind === "a pipeline is refused") {
      return Promise.reject(new GPUPipelineError("too many registers", { reason: "validation" }));
    }
    if (kind === "a driver's error in a pipeline") {
      return Promise.reject(new GPUPipelineError("the compiler crashed", { reason: "internal" }));
    }
    if (kind === "a pipeline is invalid, as its scope says") raise(new GPUValidationError("the pipeline is invalid"));
    if (kind === "lost at a pipeline") device.destroy();
    return createComputePipelineAsync.call(device, descriptor);
  };
}
