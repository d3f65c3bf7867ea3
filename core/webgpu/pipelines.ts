/** Compiles shaders, and shows what the compiler says with the op's name. */

import { DeviceError } from "../util/errors.ts";
import { firstLine } from "./device.ts";

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
