/**
 * The flags of the WebGPU standard that are used, as numbers: implementations outside browsers have no such globals.
 * https://www.w3.org/TR/webgpu/#namespacedef-gpubufferusage and the namespaces of the other flags.
 */

/** `GPUBufferUsage`. */
export const BufferUsage = {
  MAP_READ: 0x1,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  QUERY_RESOLVE: 0x200,
} as const;

/** `GPUMapMode`. */
export const MapMode = { READ: 0x1 } as const;

/** `GPUTextureUsage`. */
export const TextureUsage = { COPY_DST: 0x2, STORAGE_BINDING: 0x8 } as const;

/** `GPUShaderStage`. */
export const ShaderStage = { COMPUTE: 0x4 } as const;
