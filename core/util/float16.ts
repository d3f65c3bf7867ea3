/** Float16 on the host: elements are float32 numbers, rounded to the nearest f16, ties to even. */

import type { TensorSpec } from "../graph/shape.ts";
import { f16round, float16Bits, float16Value } from "./float16_bits.ts";

/** The least normal f16; devices may flush smaller numbers to 0. */
export const LEAST_NORMAL_FLOAT16: number = 2 ** -14;

/** Rounds elements in place to f16 as every device may: subnormal numbers become 0. */
export function roundToFloat16(data: Float32Array | Float64Array): void {
  for (let i = 0; i < data.length; i++) {
    data[i] = Math.abs(data[i]) < LEAST_NORMAL_FLOAT16 ? 0 : f16round(data[i]);
  }
}

/** Arrays of f16, as far as they are used here. */
type HalfArray = ArrayBufferView<ArrayBuffer> & Iterable<number> & { set(data: ArrayLike<number>): void };

/** `Float16Array`, where the engine has it: Node has not, before version 24. */
function halfArrays():
  | { new (length: number): HalfArray; new (bytes: ArrayBuffer, offset: number, length: number): HalfArray }
  | undefined {
  return (globalThis as { Float16Array?: ReturnType<typeof halfArrays> }).Float16Array;
}

/** A copy to a device must be a multiple of this many bytes. */
const WORD = 4;

/** The bytes of elements in the device's format, padded to whole words. */
export function deviceBytes(spec: TensorSpec, data: Float32Array | Uint32Array): ArrayBufferView<ArrayBuffer> {
  if (spec.dtype !== "f16") return data as Float32Array<ArrayBuffer>;
  const length = Math.ceil(2 * data.length / WORD) * WORD / 2, Halves = halfArrays();
  const elements = Halves === undefined ? new Uint16Array(length) : new Halves(length);
  elements.set(Halves === undefined ? Uint16Array.from(data, float16Bits) : data);
  return elements;
}

/** The elements from bytes in the device's format. */
export function hostElements(spec: TensorSpec, bytes: ArrayBuffer, count: number): Float32Array | Uint32Array {
  if (spec.dtype === "u32") return new Uint32Array(bytes, 0, count);
  if (spec.dtype === "f32") return new Float32Array(bytes, 0, count);
  const Halves = halfArrays();
  return Halves === undefined
    ? Float32Array.from(new Uint16Array(bytes, 0, count), float16Value)
    : Float32Array.from(new Halves(bytes, 0, count));
}
