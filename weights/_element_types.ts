/** The element types of weight files, under safetensors' names, and how each becomes float32. */

import { DataError, type Shape } from "../core/mod.ts";

/** An element type. */
export interface ElementType {
  /** The bytes of an element. */
  readonly bytes: number;
  /** Reads one, little-endian. */
  readonly read: (view: DataView, at: number) => number;
  /** Whether it has whole numbers that float32 has not. */
  readonly wide?: boolean;
}

/** Whole numbers up to here are exact in float32. */
const EXACT = 2 ** 24;

/** The types that are read, by safetensors' names. */
export const ELEMENT_TYPES: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ["F64", { bytes: 8, read: (view, at) => view.getFloat64(at, true) }],
  ["F32", { bytes: 4, read: (view, at) => view.getFloat32(at, true) }],
  ["F16", { bytes: 2, read: (view, at) => readHalf(view.getUint16(at, true)) }],
  ["BF16", { bytes: 2, read: (view, at) => readBrain(view.getUint16(at, true)) }],
  ["I64", { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)), wide: true }],
  ["I32", { bytes: 4, read: (view, at) => view.getInt32(at, true), wide: true }],
  ["I16", { bytes: 2, read: (view, at) => view.getInt16(at, true) }],
  ["I8", { bytes: 1, read: (view, at) => view.getInt8(at) }],
  ["U64", { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)), wide: true }],
  ["U32", { bytes: 4, read: (view, at) => view.getUint32(at, true), wide: true }],
  ["U16", { bytes: 2, read: (view, at) => view.getUint16(at, true) }],
  ["U8", { bytes: 1, read: (view, at) => view.getUint8(at) }],
  ["BOOL", { bytes: 1, read: (view, at) => view.getUint8(at) === 0 ? 0 : 1 }],
]);

const word = new DataView(new ArrayBuffer(4));

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of mantissa. Every value is exact in float32. */
function readHalf(bits: number): number {
  const sign = bits & 0x8000, exponent = bits >> 10 & 31, mantissa = bits & 1023;
  if (exponent === 0) return (sign === 0 ? mantissa : -mantissa) * 2 ** -24;
  // Float32 has 8 bits of exponent, which are all ones where these are, and else count from 127 instead of 15.
  const wide = exponent === 31 ? 255 : exponent + 112;
  word.setUint32(0, sign << 16 | wide << 23 | mantissa << 13);
  return word.getFloat32(0);
}

/** bfloat16: the upper half of a float32. */
function readBrain(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

/** Where the elements of a tensor lie in memory. */
export interface ElementLayout {
  /** The extent of each dimension. */
  readonly shape: Shape;
  /** The distance of neighbours along each dimension, in elements. Defaults to row by row. */
  readonly strides?: readonly number[];
  /** The first element's index. Defaults to 0. */
  readonly offset?: number;
}

/** The strides of a tensor whose elements lie row by row. */
function rowStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; stride *= shape[axis--]) strides[axis] = stride;
  return strides;
}

/** A copy with a buffer of its own. `slice` gives none where the bytes are a `Buffer` of Node's, whose slices are views. */
export function copyBytes(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/**
 * Copies a tensor out of a file as float32, row by row. Float64 is rounded to the nearest; all else is exact.
 *
 * @param bytes The memory, which must hold the whole tensor.
 * @param count The number of elements, as the caller has found it to fit.
 * @param what The tensor, for messages.
 * @throws {DataError} If a whole number is too large to be exact.
 */
export function readElements(
  bytes: Uint8Array,
  type: ElementType,
  { shape, strides = rowStrides(shape), offset = 0 }: ElementLayout,
  count: number,
  what: string,
): Float32Array<ArrayBuffer> {
  const packed = rowStrides(shape).every((stride, axis) => stride === strides[axis] || shape[axis] === 1);
  if (type === ELEMENT_TYPES.get("F32") && packed) {
    return new Float32Array(copyBytes(bytes.subarray(4 * offset, 4 * (offset + count))));
  }
  const data = new Float32Array(count), view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [extents, steps] = packed ? [[count], [1]] : [shape, strides], last = extents.length - 1;
  const index = new Array<number>(last).fill(0), run = extents[last], step = steps[last];
  for (let i = 0, row = offset; i < count;) {
    for (let k = 0, at = row; k < run; k++, at += step) {
      const value = type.read(view, at * type.bytes);
      if (type.wide && Math.abs(value) > EXACT) {
        throw new DataError(
          `${what} holds the whole number ${value}, which float32 does not hold exactly; save it as float32`,
        );
      }
      data[i++] = value;
    }
    // The next row: the last index before the row's grows, and carries.
    for (let axis = last - 1; axis >= 0; axis--) {
      row += steps[axis];
      if (++index[axis] < extents[axis]) break;
      row -= steps[axis] * extents[axis];
      index[axis] = 0;
    }
  }
  return data;
}
