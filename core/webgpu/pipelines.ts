/** Pipelines from the WGSL of kernels: bindings are generated, and compilation errors name the op. */

import { DeviceError } from "../util/errors.ts";
import type { DType } from "../graph/shape.ts";
import { firstLine } from "./device.ts";
import { convertFloat16Accesses } from "./text/float16_access.ts";
import { preludeOf } from "./text/prelude.ts";
import { texelsWgsl, type TexelType } from "./texels.ts";

/** A buffer as a kernel's text declares it. */
export interface DeclaredBuffer {
  /** Its name. */
  readonly name: string;
  /** The type of its elements. */
  readonly dtype: DType;
  /** Whether it is written. */
  readonly write?: boolean;
  /** Whether it is an array of vec4. */
  readonly vector?: boolean;
  /** Whether it is read through a texture. */
  readonly texels?: boolean;
}

/**
 * The whole text of a shader: one binding a buffer, the functions of the prelude that the kernel calls, then the kernel's own
 * text, whose accesses to f16 are converted. `docs/kernel_text.md` has the rules.
 */
export function shaderText(wgsl: string, buffers: readonly DeclaredBuffer[]): string {
  const bindings = buffers.map(({ name, dtype, write, vector, texels }, binding) => {
    if (texels) return texelsWgsl(name, binding, dtype as TexelType);
    const element = vector ? `vec4<${dtype}>` : dtype;
    return `@group(0) @binding(${binding}) var<storage, ${write ? "read_write" : "read"}> ${name}: array<${element}>;`;
  });
  const float16 = buffers.filter(({ dtype, texels }) => dtype === "f16" && !texels);
  return `${float16.length > 0 ? "enable f16;\n" : ""}${bindings.join("\n")}\n${preludeOf(wgsl)}${
    convertFloat16Accesses(wgsl, float16)
  }`;
}

/** Makes pipelines, one for each distinct text. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, GPUComputePipeline>();

  /** A cache for one device. */
  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * The pipeline of a shader.
   *
   * @param label The op and the variant, for messages.
   * @throws {DeviceError} If the shader does not compile: with the line, the column and the text there.
   */
  async get(label: string, text: string): Promise<GPUComputePipeline> {
    const known = this.#pipelines.get(text);
    if (known !== undefined) return known;
    this.#device.pushErrorScope("validation");
    const module = this.#device.createShaderModule({ label, code: text });
    const pipeline = this.#device.createComputePipeline({
      label,
      layout: "auto",
      compute: { module, entryPoint: "main" },
    });
    const error = await this.#device.popErrorScope();
    if (error !== null) {
      const { messages } = await module.getCompilationInfo();
      const lines = text.split("\n");
      const details = messages.map(({ lineNum, linePos, message }) =>
        `line ${lineNum}, column ${linePos} ("${lines[lineNum - 1]?.trim()}"): ${firstLine(message)}`
      );
      throw new DeviceError(`The WGSL of ${label} does not compile: ${details.join("; ") || firstLine(error.message)}`);
    }
    this.#pipelines.set(text, pipeline);
    return pipeline;
  }
}
