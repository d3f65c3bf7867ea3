/** Limits by which tests ask ops for their kernels, without a device. */

import type { WebGpuLimits } from "../op.ts";

/** A GPU of WebGPU's default limits that reads no textures. */
export const GPU: WebGpuLimits = {
  maxComputeWorkgroupsPerDimension: 65535,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupStorageSize: 16384,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxStorageBuffersPerShaderStage: 8,
  maxTexels: 0,
  software: false,
};

/** The same on a processor. */
export const SOFTWARE: WebGpuLimits = { ...GPU, software: true };
