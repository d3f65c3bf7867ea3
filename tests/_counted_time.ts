/**
 * A clock for tests of what times kernels: on a device that is put on it, every dispatch takes as long as any other, and nothing
 * else takes any time. So the faster of two programs is the one of fewer dispatches, however busy the machine is.
 */

/** What each dispatch takes: by far more than what the host's clock, where it is read too, could be off. */
export const DISPATCH_SECONDS = 1e-4;

/** A device's clock. It is the device's own again once it is disposed of. */
export interface CountedTime extends Disposable {
  /** The seconds that all dispatches took that were encoded so far. */
  seconds(): number;
}

/** Replaces the timestamps of a device by the time of the dispatches that were encoded before them. */
export function countTime(device: GPUDevice): CountedTime {
  let dispatches = 0;
  const stamps = new WeakMap<GPUQuerySet, BigUint64Array<ArrayBuffer>>(), prototype = GPUDevice.prototype;
  const seconds = () => dispatches * DISPATCH_SECONDS;

  device.createQuerySet = (descriptor) => {
    const set = prototype.createQuerySet.call(device, descriptor);
    stamps.set(set, new BigUint64Array(descriptor.count));
    return set;
  };
  device.createBuffer = ({ usage, ...rest }) => {
    const isResolved = (usage & GPUBufferUsage.QUERY_RESOLVE) !== 0;
    return prototype.createBuffer.call(device, {
      ...rest,
      usage: isResolved ? usage | GPUBufferUsage.COPY_DST : usage,
    });
  };
  /** Notes the time in nanoseconds. Of a set of one query, by which ticks are measured, that of the host. */
  const stamp = (set: GPUQuerySet, query: number | undefined) => {
    if (query === undefined) return;
    const ticks = stamps.get(set)!, now = ticks.length === 1 ? performance.now() / 1000 : seconds();
    ticks[query] = BigInt(Math.round(1e9 * now));
  };
  device.createCommandEncoder = (descriptor) => {
    const encoder = prototype.createCommandEncoder.call(device, descriptor), begin = encoder.beginComputePass;
    encoder.beginComputePass = ({ timestampWrites, ...rest } = {}) => {
      const pass = begin.call(encoder, rest), { dispatchWorkgroups, end } = pass, set = timestampWrites?.querySet;
      if (set !== undefined) stamp(set, timestampWrites?.beginningOfPassWriteIndex);
      pass.dispatchWorkgroups = (...extents) => {
        dispatches++;
        dispatchWorkgroups.apply(pass, extents);
      };
      pass.end = () => {
        end.call(pass);
        if (set !== undefined) stamp(set, timestampWrites?.endOfPassWriteIndex);
      };
      return pass;
    };
    // What is written now is there before the encoder's commands run, which copy it.
    encoder.resolveQuerySet = (set, first, count, buffer, offset) =>
      device.queue.writeBuffer(buffer, offset, stamps.get(set)!.slice(first, first + count));
    return encoder;
  };
  return {
    seconds,
    [Symbol.dispose]() {
      for (const name of ["createQuerySet", "createBuffer", "createCommandEncoder"] as const) {
        delete (device as Partial<GPUDevice>)[name];
      }
    },
  };
}

/** Lets `performance.now()` give that time, until it is disposed of. */
export function readCountedTime({ seconds }: CountedTime): Disposable {
  const now = performance.now;
  performance.now = () => 1000 * seconds();
  return { [Symbol.dispose]: () => performance.now = now };
}
