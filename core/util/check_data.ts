/** Checks that are the same on every backend when a caller reads or writes a buffer. */

import { ShapeError } from "./errors.ts";
import { elementCount, formatSpec, isFloat, type TensorSpec } from "../graph/shape.ts";

/** Checks that data has the type and the number of elements of a specification. The data of f16 is float32. */
export function expectData(name: string, spec: TensorSpec, data: Float32Array | Uint32Array): void {
  const dtype = data instanceof Float32Array ? "f32" : "u32";
  if (dtype !== (isFloat(spec) ? "f32" : "u32") || data.length !== elementCount(spec.shape)) {
    throw new ShapeError(
      `Expected the data of "${name}" to be ${formatSpec(spec)} but it is ${dtype} of ${data.length} elements`,
    );
  }
}

/** The entry of a table by name, or an error that lists the names. */
export function byName<T>(table: ReadonlyMap<string, T>, what: string, name: string): T {
  const found = table.get(name);
  if (found === undefined) {
    throw new ShapeError(
      `The program has no ${what} named "${name}"; it has ${[...table.keys()].join(", ") || "none"}`,
    );
  }
  return found;
}
