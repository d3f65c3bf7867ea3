/** Files of tensors, which the benchmark and its peers exchange. */

import type { TensorFile } from "./protocol.ts";

/** A tensor in memory. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** Writes tensors into a folder. */
export async function writeTensors(
  folder: string,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<Record<string, TensorFile>> {
  const files: Record<string, TensorFile> = {};
  for (const [name, { shape, data }] of tensors) {
    const path = `${folder}/${name}.f32`;
    await writeFloats(path, data);
    files[name] = { shape, path };
  }
  return files;
}

/** Reads float32 from a file. */
export async function readFloats(path: string): Promise<Float32Array<ArrayBuffer>> {
  return new Float32Array((await Deno.readFile(path)).buffer);
}

/** Writes float32 to a file. */
export async function writeFloats(path: string, data: Float32Array<ArrayBuffer>): Promise<void> {
  await Deno.writeFile(path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
