/**
 * Compiles shaders, and shows what the compiler says with the op's name. Layouts are stated, not derived from what a shader uses:
 * one that reads nothing of a buffer binds it all the same.
 */

import type { DType } from "../graph/shape.ts";
import { DeviceError } from "../util/errors.ts";
import { ShaderStage } from "./constants.ts";
import { deviceFailure, type DeviceMonitor, firstLine, inErrorScope } from "./device.ts";
import { texelFormat, type TexelType } from "./texels.ts";

/** What the layout of a bind group tells of a buffer. */
export interface BoundKind {
  /** Whether it is written. */
  readonly write?: boolean;
  /** Whether it is read through a texture. */
  readonly texels?: boolean;
  /** The bytes of it where it is a uniform. */
  readonly uniform?: number;
  /** The type of its elements. */
  readonly dtype: DType;
}

/** A shader to compile. */
export interface Shader {
  /** The op and the variant, for messages. */
  readonly label: string;
  /** The whole text. */
  readonly text: string;
  /** The buffers in the order of their binding numbers, as the text declares them. */
  readonly buffers: readonly BoundKind[];
}

/** Milliseconds of compiling after which other work of this thread gets its turn, where pipelines are made on it. */
const TURN = 20;

/** Makes pipelines, one for each distinct text, and layouts, one for each distinct list of buffers' kinds. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #monitor: Pick<DeviceMonitor, "wait" | "checkLoss"> | undefined;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #layouts = new Map<string, { readonly bindings: GPUBindGroupLayout; readonly whole: GPUPipelineLayout }>();

  /**
   * A cache for one device.
   *
   * @param monitor What watches the device. Defaults to nobody.
   */
  constructor(device: GPUDevice, monitor?: Pick<DeviceMonitor, "wait" | "checkLoss">) {
    this.#device = device;
    this.#monitor = monitor;
  }

  /**
   * The pipeline of a shader.
   *
   * @throws {DeviceError} If the shader does not compile: with the line, the column and the text there.
   */
  get(shader: Shader): Promise<GPUComputePipeline> {
    let pipeline = this.#pipelines.get(shader.text);
    if (pipeline === undefined) {
      pipeline = this.#compile(shader);
      this.#pipelines.set(shader.text, pipeline);
      // Another program that has the same text is told its own label.
      pipeline.catch(() => this.#pipelines.delete(shader.text));
    }
    return pipeline;
  }

  /**
   * The pipelines of shaders. Runtimes that compile on threads of their own compile them at the same time.
   *
   * @throws {DeviceError} If one does not compile: that of the first of these.
   */
  async getAll(shaders: readonly Shader[]): Promise<GPUComputePipeline[]> {
    const made: Promise<GPUComputePipeline>[] = [];
    let since = performance.now(), failed = false;
    for (const shader of shaders) {
      const pipeline = this.get(shader);
      pipeline.catch(() => failed = true);
      made.push(pipeline);
      if (performance.now() - since < TURN) continue;
      await new Promise((resolve) => setTimeout(resolve));
      if (failed) break;
      since = performance.now();
    }
    for (const result of await Promise.allSettled(made)) if (result.status === "rejected") throw result.reason;
    return await Promise.all(made);
  }

  /** The layout of the bind groups of a shader with such buffers. */
  layoutOf(buffers: readonly BoundKind[]): GPUBindGroupLayout {
    return this.#layoutsOf(buffers).bindings;
  }

  #layoutsOf(buffers: readonly BoundKind[]): { bindings: GPUBindGroupLayout; whole: GPUPipelineLayout } {
    const kinds = buffers.map(kindOf), key = kinds.map((kind) => JSON.stringify(kind)).join();
    let layouts = this.#layouts.get(key);
    if (layouts === undefined) {
      const bindings = this.#device.createBindGroupLayout({
        entries: kinds.map((kind, binding) => ({ binding, visibility: ShaderStage.COMPUTE, ...kind })),
      });
      layouts = { bindings, whole: this.#device.createPipelineLayout({ bindGroupLayouts: [bindings] }) };
      this.#layouts.set(key, layouts);
    }
    return layouts;
  }

  async #compile({ label, text, buffers }: Shader): Promise<GPUComputePipeline> {
    const { made: { module, pipeline }, error } = inErrorScope(this.#device, () => {
      const module = this.#device.createShaderModule({ label, code: text });
      const compute = { module, entryPoint: "main" };
      const pipeline = this.#device.createComputePipelineAsync({
        label,
        layout: this.#layoutsOf(buffers).whole,
        compute,
      });
      return { module, pipeline };
    });
    const wait = <T>(promise: Promise<T>) => this.#monitor?.wait(promise) ?? promise;
    let refusal: unknown;
    try {
      const compiled = await wait(pipeline);
      // What the driver says of it may come by the scope alone.
      if (await wait(error) === null) return compiled;
    } catch (thrown) {
      refusal = thrown;
    }
    await this.#monitor?.checkLoss();
    const { messages } = await wait(module.getCompilationInfo()), found = await wait(error), lines = text.split("\n");
    const details = messages.map(({ lineNum, linePos, message }) =>
      `line ${lineNum}, column ${linePos} ("${lines[lineNum - 1]?.trim()}"): ${firstLine(message)}`
    );
    const told = firstLine(found?.message ?? (refusal as Error | undefined)?.message ?? "no reason was given");
    // The text is right where the compiler has nothing to say of it; what is internal is the driver's, whatever it warns of.
    if (details.length === 0 || (refusal as Partial<GPUPipelineError> | undefined)?.reason === "internal") {
      throw deviceFailure(`The GPU's driver did not build the kernel of ${label}: ${told}`);
    }
    throw new DeviceError(`The WGSL of ${label} does not compile: ${details.join("; ")}`);
  }
}

/** An entry of a layout, but for its number. */
function kindOf(
  { write, texels, uniform, dtype }: BoundKind,
): Pick<GPUBindGroupLayoutEntry, "buffer" | "storageTexture"> {
  // Stated, since wgpu checks pipelines of one layout by the size of the largest.
  if (uniform !== undefined) return { buffer: { type: "uniform", minBindingSize: uniform } };
  if (texels) return { storageTexture: { access: "read-only", format: texelFormat(dtype as TexelType) } };
  return { buffer: { type: write ? "storage" : "read-only-storage" } };
}
