/**
 * Buffers that kernels read through textures. An adapter on the CPU may load a texel, four floats at once, several times as
 * fast as an element of a buffer: lavapipe loads from buffers thread by thread, with a branch for each. Such a buffer is
 * copied into a texture before the dispatch, row by row, which costs little beside what it saves where elements are read
 * more than once. The textures are shared by all dispatches of a program.
 */

/** Texels of a texture's row: 16 KiB, which is a multiple of the 256 bytes that a copy wants. */
const ROW = 1024;

/** The WGSL language feature that reading storage textures needs; plain textures are not faster than buffers. */
const FEATURE = "readonly_and_readwrite_storage_textures";

/** The most texels that a kernel can read of a buffer; none where the language lacks what it takes. */
export function maxTexels({ limits }: GPUDevice): number {
  const { wgslLanguageFeatures: features } = navigator.gpu as { wgslLanguageFeatures?: ReadonlySet<string> };
  return features?.has(FEATURE) ? ROW * limits.maxTextureDimension2D : 0;
}

/** The WGSL of a binding: a function of the buffer's name gives its `i`-th vector of four elements. */
export function texelsWgsl(name: string, binding: number): string {
  return `@group(0) @binding(${binding}) var ${name}_texels: texture_storage_2d<rgba32float, read>;
fn ${name}(i: u32) -> vec4<f32> { return textureLoad(${name}_texels, vec2<u32>(i % ${ROW}u, i / ${ROW}u)); }`;
}

/** A buffer that is copied into a texture before a dispatch. */
export interface TexelCopy {
  /** The buffer. */
  readonly buffer: GPUBuffer;
  /** The texture, at least as large. */
  readonly texture: GPUTexture;
  /** How many vectors of four elements are copied. */
  readonly texels: number;
}

/** Copies: whole rows, then the rest of a row. */
export function encodeTexelCopy(encoder: GPUCommandEncoder, { buffer, texture, texels }: TexelCopy): void {
  const rows = Math.floor(texels / ROW), rest = texels % ROW, bytesPerRow = 16 * ROW;
  if (rows > 0) encoder.copyBufferToTexture({ buffer, bytesPerRow }, { texture }, [ROW, rows]);
  if (rest > 0) {
    const source = { buffer, offset: rows * bytesPerRow, bytesPerRow };
    encoder.copyBufferToTexture(source, { texture, origin: [0, rows] }, [rest, 1]);
  }
}

/** The textures of a program. */
export class TexelPool {
  readonly #create: (rows: number) => GPUTexture;
  readonly #textures: GPUTexture[] = [];

  /** A pool that makes its textures, of {@link texelTexture}, by a function. */
  constructor(create: (rows: number) => GPUTexture) {
    this.#create = create;
  }

  /**
   * A texture for a copy of a buffer.
   *
   * @param texels The vectors of four elements.
   * @param taken The textures that the same dispatch has already; the result joins them.
   */
  take(texels: number, taken: Set<GPUTexture>): GPUTexture {
    // Of few sizes, each twice the one before: all together are at most twice as large as the largest.
    const rows = 2 ** Math.ceil(Math.log2(Math.ceil(texels / ROW)));
    let texture = this.#textures.find((each) => each.height === rows && !taken.has(each));
    if (texture === undefined) this.#textures.push(texture = this.#create(rows));
    taken.add(texture);
    return texture;
  }

  /** Forgets the textures, and hands them over to be destroyed. */
  clear(): GPUTexture[] {
    return this.#textures.splice(0);
  }
}

/** What a texture of so many rows is made of. */
export function texelTexture(rows: number): GPUTextureDescriptor {
  const { STORAGE_BINDING, COPY_DST } = GPUTextureUsage;
  return { label: "texels", size: [ROW, rows], format: "rgba32float", usage: STORAGE_BINDING | COPY_DST };
}

/** The bytes of a texture of {@link texelTexture}. */
export function texelTextureBytes({ width, height }: GPUTexture): number {
  return 16 * width * height;
}

/** Fills a texture of {@link texelTexture} with NaN. */
export function poisonTexels(device: GPUDevice, texture: GPUTexture): void {
  const row = new Float32Array(4 * ROW).fill(NaN);
  for (let y = 0; y < texture.height; y++) {
    device.queue.writeTexture({ texture, origin: [0, y] }, row, { bytesPerRow: 16 * ROW }, [ROW, 1]);
  }
}
