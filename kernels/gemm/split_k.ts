/** Products whose depth is split into parts: the parts are added in a fixed order, so that runs repeat to the bit. */

import { boundAtRun, type DeviceLimits, elementKernel, type WebGpuKernel } from "../../core/mod.ts";

/** Where the parts and their sum are. */
export interface PartialSums {
  /** Elements of a part. */
  readonly size: number;
  /** How many parts there are. */
  readonly parts: number;
  /** The index of the buffer of the parts [parts, size]. */
  readonly partial: number;
  /** The index of the buffer of their sum. */
  readonly result: number;
}

/** The kernel that adds the parts up, the first to the last. */
export function sumPartsKernel({ size, parts, partial, result }: PartialSums, limits: DeviceLimits): WebGpuKernel {
  const vector = size % 4 === 0, count = vector ? size / 4 : size;
  return elementKernel(
    {
      count,
      iterations: parts,
      body: `var sum = partial[i];
  for (var part = 1u; part < ${boundAtRun(parts, "partial")}; part++) { sum += partial[part * ${count}u + i]; }
  result[i] = sum;`,
    },
    [{ name: "partial", index: partial, vector }, { name: "result", index: result, write: true, vector }],
    limits,
  );
}
