/** Which WebGPU kernels an op can run with, and which of them it does, on devices that are not at hand. */

import {
  type Attributes,
  type Choice,
  DEFAULT_PROFILE,
  type DeviceProfile,
  KernelPolicy,
  type Op,
  type TensorSpec,
} from "../core/mod.ts";

/** A hardware adapter of WebGPU's default limits. */
export const GPU: DeviceProfile = DEFAULT_PROFILE;
/** The same as a software adapter, and one that reads buffers through textures. */
export const SOFTWARE: DeviceProfile = { ...GPU, kind: "software" };
export const TEXELS: DeviceProfile = { ...SOFTWARE, limits: { ...GPU.limits, maxTexels: 2 ** 23 } };

/** A device that binds no more than some bytes. */
export function binding(device: DeviceProfile, maxStorageBufferBindingSize: number): DeviceProfile {
  return { ...device, limits: { ...device.limits, maxStorageBufferBindingSize } };
}

/** What an application of an op can run with, and what it does. */
export function choiceOf<A extends Attributes>(
  op: Op<A>,
  inputs: readonly TensorSpec[],
  attributes: A,
  device: DeviceProfile,
): Choice {
  const outputs = op.infer(inputs, attributes);
  return new KernelPolicy(device).explain({ op: op as unknown as Op, inputs, outputs, attributes });
}

/** The name of the variant that runs. */
export function chosenName({ variants, index }: Choice): string {
  return variants[index].name;
}
