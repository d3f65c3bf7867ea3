/**
 * The core of Residua: shapes, the graph, differentiation, the planner, the registry of ops, the random generator, the two
 * backends and the conformance checks.
 *
 * @module
 */

export * from "./backend.ts";
export * from "./check_op.ts";
export * from "./compile.ts";
export * from "./differentiate.ts";
export * from "./errors.ts";
export * from "./fuse.ts";
export * from "./graph.ts";
export * from "./interpret.ts";
export * from "./nearest_name.ts";
export * from "./op.ts";
export * from "./open_backend.ts";
export * from "./plan.ts";
export * from "./random.ts";
export * from "./registry.ts";
export * from "./shape.ts";
export { CpuBackend, type CpuBackendOptions } from "./cpu/backend.ts";
export type { CpuKernelBuild } from "./cpu/kernels.ts";
export type { CpuKernelName } from "./cpu/wasm/kernel_names.ts";
export { WebGpuBackend } from "./webgpu/backend.ts";
export { PipelineCache } from "./webgpu/kernel.ts";
export { type AdapterReport, reportAdapter, requestAdapter } from "./webgpu/device.ts";
export type { DispatchTime, ProfiledDispatch } from "./webgpu/profiler.ts";
export { type TuneOptions, type TunerStore, tuneVariants, type VariantChooser } from "./webgpu/tuner.ts";
export { constants, elementPass, elementwise, float, linearWorkgroups, MAX_ITERATIONS } from "./webgpu/wgsl.ts";
