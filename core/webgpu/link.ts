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
import { type BoundBuffer, UNIFORM_ALIGNMENT, uniformBytes } from "./text/merge.ts";
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
  readonly uniform?: Uint32Array<ArrayBuffer>;
}

/** What dispatches bind beside their buffers: all of it in one buffer, and where that of each begins, in bytes. */
interface Uniforms {
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
  const kernels = bound.flatMap(({ kernel }) => kernel ?? []);
  const uniforms = writeUniforms(backend, shaders, uniformBytes(kernels, policy.mergeShape), memory);
  const all = shaders.map((shader, index) => {
    const { made, error } = inErrorScope(device, () => dispatchOf(backend, shader, built[index], uniforms, memory));
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
  { text, buffers, uniform, workgroups, members }: WrittenDispatch<GPUBuffer>,
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
  const kinds = uniform === undefined ? buffers : [...buffers, { uniform: uniform.byteLength, dtype: "u32" } as const];
  return { label, text, buffers: kinds, bound: buffers, workgroups, profile, uniform };
}

/** Writes the uniforms of all dispatches into one buffer, as large as planning says. */
function writeUniforms(
  { device }: WebGpuBackend,
  shaders: readonly DispatchShader[],
  bytes: number,
  memory: ProgramMemory,
): Uniforms {
  const words = new Uint32Array(bytes / 4);
  const offsets = new Map<DispatchShader, number>();
  if (bytes === 0) return { buffer: undefined, offsets };
  let first = 0;
  for (const shader of shaders) {
    if (shader.uniform === undefined) continue;
    words.set(shader.uniform, first / 4);
    offsets.set(shader, first);
    first += Math.ceil(shader.uniform.byteLength / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT;
  }
  const buffer = memory.own(bytes, "uniforms", BufferUsage.UNIFORM | BufferUsage.COPY_DST);
  device.queue.writeBuffer(buffer, 0, words);
  return { buffer, offsets };
}

/** A compiled shader with its bind group. */
function dispatchOf(
  { device, pipelines }: WebGpuBackend,
  shader: DispatchShader,
  pipeline: GPUComputePipeline,
  { buffer: uniforms, offsets }: Uniforms,
  memory: ProgramMemory,
): Dispatch {
  const { label, buffers, bound, workgroups, profile, uniform } = shader;
  const copies: TexelCopy[] = [], taken = new Set<GPUTexture>();
  const resources = bound.map(({ buffer, size, texels: isTexture, dtype }): GPUBindingResource => {
    if (!isTexture) return { buffer, size };
    const texels = texelsOf(size, dtype as TexelType), texture = memory.texture(texels, dtype as TexelType, taken);
    copies.push({ buffer, texture, texels });
    return texture.createView();
  });
  if (uniform !== undefined) {
    resources.push({ buffer: uniforms!, offset: offsets.get(shader), size: uniform.byteLength });
  }
  const entries = resources.map((resource, binding) => ({ binding, resource }));
  const bindGroup = device.createBindGroup({ label, layout: pipelines.layoutOf(buffers), entries });
  return { pipeline, bindGroup, workgroups, copies, profile };
}
