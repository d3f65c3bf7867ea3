/** From kernels with their buffers to dispatches: scheduled, merged, compiled, each with its bind group. */

import type { BackendCompileOptions } from "../backend.ts";
import type { ProfiledDispatch } from "../profiling/profile.ts";
import { DeviceError } from "../util/errors.ts";
import type { WebGpuBackend } from "./backend.ts";
import type { BoundStep, ProfiledBoundKernel } from "./bind_kernels.ts";
import { BufferUsage } from "./constants.ts";
import { firstLine, inErrorScope } from "./device.ts";
import { writeDispatches, type WrittenDispatch } from "./dispatches.ts";
import type { ExchangePoint } from "./exchange.ts";
import type { Shader } from "./pipelines.ts";
import { joinProfiles } from "./profiler.ts";
import type { ProgramMemory } from "./program_memory.ts";
import { type Dispatch, type Section, sectionsOf } from "./sections.ts";
import { type BoundBuffer, RANGES_ALIGNMENT, rangesBytes } from "./text/merge.ts";
import { type TexelCopy, texelsOf, type TexelType } from "./texels.ts";

/** The dispatches of a program. */
export interface LinkedProgram {
  /** Those that run before a step if a variable has changed. */
  readonly prologue: readonly Dispatch[];
  /** Those of every step. */
  readonly dispatches: readonly Dispatch[];
  /** The same, between the sums over ranks; a single section where there are none. */
  readonly sections: readonly Section[];
}

/** The shader of a dispatch, and what it binds. */
interface DispatchShader extends Shader {
  readonly bound: readonly BoundBuffer<GPUBuffer>[];
  readonly workgroups: readonly [number, number, number];
  readonly profile: ProfiledDispatch;
  readonly ranges?: Uint32Array<ArrayBuffer>;
}

/** What merged dispatches bind beside their buffers: all of it in one buffer, and where that of each begins, in bytes. */
interface Ranges {
  readonly buffer: GPUBuffer | undefined;
  readonly offsets: ReadonlyMap<DispatchShader, number>;
}

/**
 * Schedules kernels and makes the dispatches.
 *
 * @throws {DeviceError} If a shader does not compile or bind its buffers, or is of more workgroups than the device takes.
 */
export async function linkKernels(
  backend: WebGpuBackend,
  bound: readonly BoundStep[],
  memory: ProgramMemory,
  { everyStep }: BackendCompileOptions,
): Promise<LinkedProgram> {
  const { device, pipelines, policy } = backend;
  const inputs = new Set([...memory.inputs.values()].map((value) => memory.bufferOf(value)));
  const variables = new Set([...memory.sources, ...memory.updated].map(({ buffer }) => buffer));
  const { prologue, step, transfers } = writeDispatches(bound, policy, {
    isVariable: (buffer) => variables.has(buffer),
    isInput: (buffer) => inputs.has(buffer) || (everyStep === true && variables.has(buffer)),
  });
  const shaders = [...prologue, ...step].map((written) => shaderOf(backend, written, bound));
  const built = await pipelines.getAll(shaders), errors: Promise<string | null>[] = [];
  const movable = bound.filter(({ kernel }) => kernel?.elements).length;
  const ranges = writeRanges(backend, shaders, movable, memory);
  const all = shaders.map((shader, index) => {
    const { made, error } = inErrorScope(device, () => dispatchOf(backend, shader, built[index], ranges, memory));
    errors.push(
      error.then((found) => found && `${shader.label} does not bind its buffers: ${firstLine(found.message)}`),
    );
    return made;
  });
  const dispatches = all.slice(prologue.length);
  const cuts = transfers.map(({ index, after }) => ({ point: bound[index] as ExchangePoint, after }));
  const problem = (await backend.wait(Promise.all(errors))).find((each) => each !== null);
  // Where memory ran out, that is the reason.
  await backend.settleAllocations();
  if (problem) throw new DeviceError(problem);
  return { prologue: all.slice(0, prologue.length), dispatches, sections: sectionsOf(dispatches, cuts) };
}

/** What is compiled for a dispatch, under the name of its ops. */
function shaderOf(
  { limits }: WebGpuBackend,
  { text, buffers, ranges, workgroups, members }: WrittenDispatch<GPUBuffer>,
  bound: readonly BoundStep[],
): DispatchShader {
  const profile = joinProfiles(members.map((index) => (bound[index] as ProfiledBoundKernel).profile));
  const label = `${profile.op} (${profile.variant})`;
  for (const count of workgroups) {
    if (count > limits.maxComputeWorkgroupsPerDimension || count < 1 || !Number.isInteger(count)) {
      throw new DeviceError(
        `${label} asks for ${workgroups.join(" x ")} workgroups, which this device does not take`,
      );
    }
  }
  const kinds = ranges === undefined ? buffers : [...buffers, { uniform: true, dtype: "u32" } as const];
  return { label, text, buffers: kinds, bound: buffers, workgroups, profile, ranges };
}

/** Writes the ranges of all merged dispatches into one buffer, as large as planning says. */
function writeRanges(
  { policy, device }: WebGpuBackend,
  shaders: readonly DispatchShader[],
  movable: number,
  memory: ProgramMemory,
): Ranges {
  const bytes = rangesBytes(movable, policy.mergeShape), words = new Uint32Array(bytes / 4);
  const offsets = new Map<DispatchShader, number>();
  if (bytes === 0) return { buffer: undefined, offsets };
  let first = 0;
  for (const shader of shaders) {
    if (shader.ranges === undefined) continue;
    words.set(shader.ranges, first / 4);
    offsets.set(shader, first);
    first += Math.ceil(shader.ranges.byteLength / RANGES_ALIGNMENT) * RANGES_ALIGNMENT;
  }
  const buffer = memory.own(bytes, "ranges", BufferUsage.UNIFORM | BufferUsage.COPY_DST);
  device.queue.writeBuffer(buffer, 0, words);
  return { buffer, offsets };
}

/** A compiled shader with its bind group. */
function dispatchOf(
  { device, pipelines }: WebGpuBackend,
  shader: DispatchShader,
  pipeline: GPUComputePipeline,
  { buffer: allRanges, offsets }: Ranges,
  memory: ProgramMemory,
): Dispatch {
  const { label, buffers, bound, workgroups, profile, ranges } = shader;
  const copies: TexelCopy[] = [], taken = new Set<GPUTexture>();
  const resources = bound.map(({ buffer, size, texels: isTexture, dtype }): GPUBindingResource => {
    if (!isTexture) return { buffer, size };
    const texels = texelsOf(size, dtype as TexelType), texture = memory.texture(texels, dtype as TexelType, taken);
    copies.push({ buffer, texture, texels });
    return texture.createView();
  });
  if (ranges !== undefined) {
    resources.push({ buffer: allRanges!, offset: offsets.get(shader), size: ranges.byteLength });
  }
  const entries = resources.map((resource, binding) => ({ binding, resource }));
  const bindGroup = device.createBindGroup({ label, layout: pipelines.layoutOf(buffers), entries });
  return { pipeline, bindGroup, workgroups, copies, profile };
}
