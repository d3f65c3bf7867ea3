/** Float16 on the host: elements are float32 numbers, rounded to the nearest f16, ties to even. */

import type { TensorSpec } from "../graph/shape.ts";

/** The least normal f16; devices may flush smaller numbers to 0. */
export const LEAST_NORMAL_FLOAT16 = 2 ** -14;

/** Rounds elements in place to f16 as every device may: subnormal numbers become 0. */
export function roundToFloat16(data: Float32Array | Float64Array): void {
  for (let i = 0; i < data.length; i++) {
    data[i] = Math.abs(data[i]) < LEAST_NORMAL_FLOAT16 ? 0 : Math.f16round(data[i]);
  }
}

/** A copy to a device must be a multiple of this many bytes. */
const WORD = 4;

/** The bytes of elements in the device's format, padded to whole words. */
export function deviceBytes(spec: TensorSpec, data: Float32Array | Uint32Array): ArrayBufferView<ArrayBuffer> {
  if (spec.dtype !== "f16") return data as Float32Array<ArrayBuffer>;
  const elements = new Float16Array(Math.ceil(2 * data.length / WORD) * WORD / 2);
  elements.set(data);
  return elements;
}

/** The elements from bytes in the device's format. */
export function hostElements(spec: TensorSpec, bytes: ArrayBuffer, count: number): Float32Array | Uint32Array {
  if (spec.dtype === "u32") return new Uint32Array(bytes, 0, count);
  return spec.dtype === "f32"
    ? new Float32Array(bytes, 0, count)
    : Float32Array.from(new Float16Array(bytes, 0, count));
}
