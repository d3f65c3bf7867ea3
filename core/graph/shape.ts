/** Shapes and tensor specifications. Tensors at every boundary are NCHW; a shape of [] is a scalar. */

import { ShapeError } from "../util/errors.ts";

/** The element types: 32-bit float, 16-bit float for mixed precision, and 32-bit unsigned integer for labels and indices. */
export type DType = "f32" | "f16" | "u32";

/** The extent of each dimension, outermost first. */
export type Shape = readonly number[];

/** The shape and the element type of a tensor. */
export interface TensorSpec {
  /** The extent of each dimension, outermost first; [] is a scalar. */
  readonly shape: Shape;
  /** The element type. */
  readonly dtype: DType;
}

/** The specification of a float32 tensor. */
export function f32(shape: Shape): TensorSpec {
  return { shape, dtype: "f32" };
}

/** The specification of a float16 tensor. On the host its elements are float32 numbers, rounded when they are written. */
export function f16(shape: Shape): TensorSpec {
  return { shape, dtype: "f16" };
}

/** The specification of a tensor of unsigned 32-bit integers. */
export function u32(shape: Shape): TensorSpec {
  return { shape, dtype: "u32" };
}

/**
 * The number of elements of a shape.
 *
 * @example
 * ```ts
 * import { elementCount } from "@residua/residua/core";
 * console.log(elementCount([2, 3, 4])); // 24
 * ```
 */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const extent of shape) count *= extent;
  return count;
}

/** The number of bytes of a tensor: four an element, two of f16. */
export function byteSize(spec: TensorSpec): number {
  return elementCount(spec.shape) * (spec.dtype === "f16" ? 2 : 4);
}

/** Whether a tensor's elements are floating-point numbers. */
export function isFloat({ dtype }: TensorSpec): boolean {
  return dtype !== "u32";
}

/** Whether a tensor's elements are f16. */
export function isFloat16({ dtype }: TensorSpec): boolean {
  return dtype === "f16";
}

/** Whether two shapes have the same extents. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** A shape as text: `[128, 16, 32, 32]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** A specification as text: `f32 [128, 16, 32, 32]`. */
export function formatSpec(spec: TensorSpec): string {
  return `${spec.dtype} ${formatShape(spec.shape)}`;
}

/**
 * Checks the type and the shape of one argument of an op.
 *
 * @param op The op's name, for the message.
 * @param argument The argument's name, for the message.
 * @param spec The argument's specification.
 * @param expected The required extents. A name accepts any extent: `["N", 16, "H", "W"]`.
 * @param dtype The required element type; `float` accepts f32 and f16. Defaults to f32.
 * @throws {ShapeError} If the rank, an extent or the type differs, or an extent is no positive whole number.
 */
export function expectSpec(
  op: string,
  argument: string,
  spec: TensorSpec | undefined,
  expected: readonly (number | string)[],
  dtype: DType | "float" = "f32",
): void {
  const wanted = `${dtype === "float" ? "f32" : dtype} [${expected.join(", ")}]`;
  if (spec === undefined) throw new ShapeError(`${op}: expected ${argument} to be ${wanted} but it is missing`);
  const fits = (dtype === "float" ? isFloat(spec) : spec.dtype === dtype) && spec.shape.length === expected.length &&
    spec.shape.every((extent, axis) =>
      Number.isInteger(extent) && extent > 0 && (typeof expected[axis] === "string" || expected[axis] === extent)
    );
  if (!fits) throw new ShapeError(`${op}: expected ${argument} to be ${wanted} but it is ${formatSpec(spec)}`);
}

/** Checks that an attribute is a whole number of at least `minimum`. */
export function expectInteger(op: string, attribute: string, value: number, minimum: number): void {
  if (!Number.isInteger(value) || value < minimum) {
    throw new ShapeError(`${op}: expected ${attribute} to be a whole number of at least ${minimum} but it is ${value}`);
  }
}
