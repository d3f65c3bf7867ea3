/** Float16 on the host: its elements are float32 numbers, which are rounded to the nearest, ties to even. */

import type { TensorSpec } from "../graph/shape.ts";

/** The least normal f16: devices may take smaller numbers for 0. */
export const LEAST_NORMAL_FLOAT16 = 2 ** -14;

/** Rounds elements in place to f16 numbers that every device agrees on: those below the normal ones become 0. */
export function roundToFloat16(data: Float32Array | Float64Array): void {
  for (let i = 0; i < data.length; i++) {
    data[i] = Math.abs(data[i]) < LEAST_NORMAL_FLOAT16 ? 0 : Math.f16round(data[i]);
  }
}

/** Bytes of a copy must be whole words. */
const WORD = 4;

/** The bytes of elements as a device holds them, filled up to whole words. */
export function deviceBytes(spec: TensorSpec, data: Float32Array | Uint32Array): ArrayBufferView<ArrayBuffer> {
  if (spec.dtype !== "f16") return data as Float32Array<ArrayBuffer>;
  const halves = new Float16Array(Math.ceil(2 * data.length / WORD) * WORD / 2);
  halves.set(data);
  return halves;
}

/** The elements in bytes that a device held. */
export function hostElements(spec: TensorSpec, bytes: ArrayBuffer, count: number): Float32Array | Uint32Array {
  if (spec.dtype === "u32") return new Uint32Array(bytes, 0, count);
  return spec.dtype === "f32"
    ? new Float32Array(bytes, 0, count)
    : Float32Array.from(new Float16Array(bytes, 0, count));
}
