/**
 * The core of Residua: shapes, the graph, differentiation, the planner, the registry of ops, the random generator, the two
 * backends and the conformance checks.
 *
 * @module
 */

export * from "./assign_buffers.ts";
export type { Precision } from "./autocast.ts";
export * from "./backend.ts";
export * from "./check_op.ts";
export * from "./chrome_trace.ts";
export * from "./compile.ts";
export * from "./differentiate.ts";
export * from "./errors.ts";
export * from "./fuse.ts";
export * from "./graph.ts";
export * from "./hash.ts";
export * from "./interpret.ts";
export * from "./lifetimes.ts";
export * from "./median.ts";
export * from "./nearest_name.ts";
export * from "./op.ts";
export * from "./open_backend.ts";
export * from "./plan.ts";
export * from "./precision.ts";
export * from "./profile.ts";
export * from "./random.ts";
export * from "./recompute.ts";
export * from "./registry.ts";
export * from "./shape.ts";
export * from "./step_profiler.ts";
export * from "./tuning.ts";
export { CpuBackend, type CpuBackendOptions } from "./cpu/backend.ts";
export type { CpuKernelBuild } from "./cpu/kernels.ts";
export type { CpuKernelName } from "./cpu/wasm/kernel_names.ts";
export { WebGpuBackend } from "./webgpu/backend.ts";
export { countPhases } from "./cpu/program.ts";
export { countDispatches, countPasses } from "./webgpu/count_dispatches.ts";
export { PipelineCache } from "./webgpu/kernel.ts";
export { VariantCache } from "./webgpu/variants.ts";
export { type AdapterReport, DEFAULT_LIMITS, reportAdapter, requestAdapter } from "./webgpu/device.ts";
export { lazyVariant, preferIf } from "./webgpu/lazy_variant.ts";
export { reluWgsl } from "./webgpu/library.ts";
export type { TexelType } from "./webgpu/texels.ts";
export type { TuningCandidates, WebGpuTuner } from "./webgpu/tuner.ts";
export {
  boundAtRun,
  constants,
  elementPass,
  elementwise,
  float,
  linearWorkgroups,
  MAX_ITERATIONS,
} from "./webgpu/wgsl.ts";
