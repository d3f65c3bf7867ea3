/** Runs a small kernel whose results are known, by which a device is checked before other kernels rely on it. */

import { elementCount, type TensorSpec } from "../graph/shape.ts";
import { deviceBytes } from "../util/float16.ts";
import type { WebGpuBackend } from "./backend.ts";
import { shaderText } from "./text/shader.ts";

/** A kernel of one workgroup that reads `x` and writes `y`. */
export interface KnownAnswer {
  /** What is checked, for messages. */
  readonly label: string;
  /** The kernel's text, without its bindings. */
  readonly wgsl: string;
  /** What `x` is. */
  readonly from: TensorSpec;
  /** What `y` is. */
  readonly to: TensorSpec;
  /** The numbers of `x`. */
  readonly data: readonly number[];
  /** Whether both are bound as vectors. Defaults to false. */
  readonly vector?: boolean;
}

/**
 * The numbers of `y`.
 *
 * @throws {DeviceError} If the device does not run the kernel.
 */
export async function runKnownAnswer(
  backend: WebGpuBackend,
  { label, wgsl, from, to, data, vector = false }: KnownAnswer,
): Promise<ArrayLike<number>> {
  const { device, pipelines } = backend;
  const declared = [
    { name: "x", dtype: from.dtype, vector },
    { name: "y", dtype: to.dtype, vector, write: true },
  ];
  const pipeline = await pipelines.get({ label, text: shaderText(wgsl, declared), buffers: declared });
  const buffers = [from, to].map((spec) => backend.createBuffer(4 * elementCount(spec.shape), label));
  try {
    device.queue.writeBuffer(buffers[0], 0, deviceBytes(from, Float32Array.from(data)));
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const encoder = device.createCommandEncoder(), compute = encoder.beginComputePass();
    compute.setPipeline(pipeline);
    compute.setBindGroup(0, device.createBindGroup({ label, layout: pipelines.layoutOf(declared), entries }));
    compute.dispatchWorkgroups(1);
    compute.end();
    device.queue.submit([encoder.finish()]);
    return await backend.readBuffer(buffers[1], to);
  } finally {
    for (const buffer of buffers) backend.destroyBuffer(buffer);
  }
}
