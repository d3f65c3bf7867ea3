/**
 * Buffers that kernels read through textures. A software adapter may load a texel, four floats at once, several times as fast
 * as an element of a buffer: lavapipe loads from buffers thread by thread, with a branch for each. Such a buffer is copied into
 * a texture before the dispatch, row by row. The copy costs little compared with what it saves where elements are read more
 * than once. The dispatches of a program share the textures.
 */

import { TextureUsage } from "./constants.ts";

/** A word that is NaN as one f32 and as two f16. */
export const POISON = 0x7fff7fff;

/** Texels of a texture's row: 16 KiB of f32 or 8 KiB of f16, both multiples of the 256 bytes that a copy requires. */
const ROW = 1024;

/** The WGSL language feature of read-only storage textures; lavapipe reads sampled textures no faster than buffers. */
const FEATURE = "readonly_and_readwrite_storage_textures";

/** The most texels that a kernel can read of a buffer; 0 where the WGSL of an implementation lacks read-only storage textures. */
export function maxTexels({ limits }: GPUDevice, gpu: GPU): number {
  const { wgslLanguageFeatures: features } = gpu as { wgslLanguageFeatures?: ReadonlySet<string> };
  return features?.has(FEATURE) ? ROW * limits.maxTextureDimension2D : 0;
}

/** The texture format of four elements, and its bytes. */
const FORMATS = {
  f32: { format: "rgba32float", bytes: 16 },
  f16: { format: "rgba16float", bytes: 8 },
} as const satisfies Record<TexelType, unknown>;

/** The element types that textures hold. */
export type TexelType = "f32" | "f16";

/** The format of the textures of a type. */
export function texelFormat(dtype: TexelType): GPUTextureFormat {
  return FORMATS[dtype].format;
}

function bytesOf({ format }: Pick<GPUTexture, "format">): number {
  return format === FORMATS.f16.format ? FORMATS.f16.bytes : FORMATS.f32.bytes;
}

/** The number of texels in `bytes` of a buffer. */
export function texelsOf(bytes: number, dtype: TexelType): number {
  return bytes / FORMATS[dtype].bytes;
}

/** The WGSL of a binding: a function `name(i)` that returns the buffer's `i`-th vector of four elements, as f32. */
export function texelsWgsl(name: string, binding: number, dtype: TexelType): string {
  return `@group(0) @binding(${binding}) var ${name}_texels: texture_storage_2d<${FORMATS[dtype].format}, read>;
fn ${name}(i: u32) -> vec4<f32> { return textureLoad(${name}_texels, vec2<u32>(i % ${ROW}u, i / ${ROW}u)); }`;
}

/** A buffer that is copied into a texture before a dispatch. */
export interface TexelCopy {
  /** The buffer. */
  readonly buffer: GPUBuffer;
  /** The texture, at least as large. */
  readonly texture: GPUTexture;
  /** The number of vectors of four elements to copy. */
  readonly texels: number;
}

/** Copies whole rows, then the rest of a row. */
export function encodeTexelCopy(encoder: GPUCommandEncoder, { buffer, texture, texels }: TexelCopy): void {
  const rows = Math.floor(texels / ROW), rest = texels % ROW, bytesPerRow = bytesOf(texture) * ROW;
  if (rows > 0) encoder.copyBufferToTexture({ buffer, bytesPerRow }, { texture }, [ROW, rows]);
  if (rest > 0) {
    const source = { buffer, offset: rows * bytesPerRow, bytesPerRow };
    encoder.copyBufferToTexture(source, { texture, origin: [0, rows] }, [rest, 1]);
  }
}

/** The properties of a texture that a pool depends on. */
export type TexelShape = Pick<GPUTexture, "width" | "height" | "format">;

/** The shape of a texture of a number of rows. */
export function texelShape(rows: number, dtype: TexelType): TexelShape {
  return { width: ROW, height: rows, format: FORMATS[dtype].format };
}

/** The textures of a program. */
export class TexelPool<T extends TexelShape> {
  readonly #create: (rows: number, dtype: TexelType) => T;
  readonly #textures: T[] = [];

  /** Starts empty; `create` makes a texture as {@link texelTexture} describes it. */
  constructor(create: (rows: number, dtype: TexelType) => T) {
    this.#create = create;
  }

  /**
   * A texture for a copy of a buffer.
   *
   * @param texels The number of vectors of four elements.
   * @param dtype The element type.
   * @param taken The textures that the dispatch has already; the result is added to them.
   */
  take(texels: number, dtype: TexelType, taken: Set<T>): T {
    // Sizes are powers of two: so all textures together are at most twice as large as the largest.
    const rows = 2 ** Math.ceil(Math.log2(Math.ceil(texels / ROW)));
    const { format } = FORMATS[dtype];
    let texture = this.#textures.find((each) => each.height === rows && each.format === format && !taken.has(each));
    if (texture === undefined) this.#textures.push(texture = this.#create(rows, dtype));
    taken.add(texture);
    return texture;
  }

  /** Empties the pool and returns its textures, which the caller destroys. */
  clear(): T[] {
    return this.#textures.splice(0);
  }
}

/** The descriptor of a texture of a number of rows. */
export function texelTexture(rows: number, dtype: TexelType): GPUTextureDescriptor {
  const { STORAGE_BINDING, COPY_DST } = TextureUsage;
  const { width, height, format } = texelShape(rows, dtype);
  return { size: [width, height], format, usage: STORAGE_BINDING | COPY_DST };
}

/** The bytes of a texture of {@link texelTexture}. */
export function texelTextureBytes(texture: TexelShape): number {
  return bytesOf(texture) * texture.width * texture.height;
}

/** Fills a texture of {@link texelTexture} with NaN. */
export function poisonTexels(device: GPUDevice, texture: GPUTexture): void {
  const bytesPerRow = bytesOf(texture) * ROW, row = new Uint32Array(bytesPerRow / 4).fill(POISON);
  for (let y = 0; y < texture.height; y++) {
    device.queue.writeTexture({ texture, origin: [0, y] }, row, { bytesPerRow }, [ROW, 1]);
  }
}
