/**
 * The core of Residua: shapes, the graph, differentiation, the planner, the registry of ops, the random generator, the two
 * backends and the conformance checks.
 *
 * @module
 */

export * from "./plan/assign_buffers.ts";
export type { Precision } from "./graph/autocast.ts";
export * from "./backend.ts";
export * from "./check_op.ts";
export { type Collective, localCollectives, type Transport } from "./collective.ts";
export * from "./compare_arrays.ts";
export * from "./profiling/chrome_trace.ts";
export * from "./compile.ts";
export * from "./graph/differentiate.ts";
export * from "./util/bounded_json.ts";
export * from "./util/errors.ts";
export * from "./util/sentence.ts";
export * from "./util/fields.ts";
export * from "./plan/fuse.ts";
export * from "./graph/graph.ts";
export * from "./util/hash.ts";
export * from "./graph/interpret.ts";
export * from "./plan/lifetimes.ts";
export * from "./util/median.ts";
export * from "./util/nearest_name.ts";
export * from "./op.ts";
export * from "./open_backend.ts";
export * from "./plan/plan.ts";
export * from "./precision.ts";
export * from "./profiling/profile.ts";
export * from "./util/random.ts";
export * from "./plan/recompute.ts";
export * from "./registry.ts";
export * from "./graph/shape.ts";
export * from "./util/show_text.ts";
export * from "./util/text_width.ts";
export * from "./util/stall_watch.ts";
export * from "./profiling/step_profiler.ts";
export * from "./webgpu/tuning/choices.ts";
export { CpuBackend, type CpuBackendOptions } from "./cpu/backend.ts";
export { coreCount } from "./cpu/cores.ts";
export type { CpuKernelBuild } from "./cpu/kernels.ts";
export type { CpuKernelName } from "./cpu/wasm/kernel_names.ts";
export { WebGpuBackend, type WebGpuBackendOptions } from "./webgpu/backend.ts";
export { countStages } from "./cpu/program.ts";
export { countDispatches, countKernels, countShaders, type ShaderCount } from "./webgpu/count_dispatches.ts";
export { type BoundKind, PipelineCache, type Shader } from "./webgpu/pipelines.ts";
export { kernelText } from "./webgpu/text/shader.ts";
export type { SubgroupSupport } from "./webgpu/subgroup_support.ts";
export { type ReportedMatrix, subgroupMatrices, subgroupSizes } from "./webgpu/subgroup_matrix.ts";
export { type Join, subgroupReduction } from "./webgpu/text/subgroups.ts";
export {
  type AdapterReport,
  deviceProfile,
  type GpuOptions,
  reportAdapter,
  requestAdapter,
  type WatchedProgram,
} from "./webgpu/device.ts";
export * from "./cpu/stages.ts";
export * from "./webgpu/kernel.ts";
export * from "./webgpu/tuning/device_profile.ts";
export * from "./webgpu/tuning/family.ts";
export * from "./webgpu/tuning/multiprocessors.ts";
export * from "./webgpu/tuning/occupancy.ts";
export * from "./webgpu/tuning/policy.ts";
export * from "./webgpu/tuning/tables.ts";
export { reluWgsl } from "./webgpu/text/prelude.ts";
export type { TexelType } from "./webgpu/texels.ts";
export type { TuningCandidates, WebGpuTuner } from "./webgpu/tuning/tuner.ts";
export { sizeWgsl, withConstantSizes } from "./webgpu/text/sizes.ts";
export {
  boundAtRun,
  constants,
  elementKernel,
  elementwise,
  float,
  linearWorkgroups,
  MAX_ITERATIONS,
} from "./webgpu/text/wgsl.ts";
export * from "./util/pause.ts";
export * from "./version.ts";
