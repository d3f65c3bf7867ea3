/** Products whose depth is split into parts: the parts are added in a fixed order, so that runs repeat to the bit. */

import { boundAtRun, type DeviceLimits, elementKernel, type WebGpuKernel } from "../../core/mod.ts";
import { range } from "../text.ts";

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

/** Parts that a thread loads before it adds the first of them: it waits for memory once for all. */
const AT_ONCE = 8;

/**
 * WGSL that declares `sum`: an element's parts in `partial`, added up from the first to the last.
 *
 * @param first An expression: the index of the element's first part.
 * @param size How far it is to the next.
 */
export function sumPartsWgsl(parts: number, first: string, size: number): string {
  const loops = Math.floor((parts - 1) / AT_ONCE), rest = range((parts - 1) % AT_ONCE, 1 + loops * AT_ONCE);
  const add = (offsets: readonly string[]) =>
    `sum = ${"(".repeat(offsets.length - 1)}sum + ${offsets.map((at) => `partial[${first} + ${at}]`).join(") + ")};`;
  const loop = add(range(AT_ONCE).map((k) => `(part + ${k}u) * ${size}u`));
  return [
    `var sum = partial[${first}];`,
    ...(loops === 0 ? [] : [
      `for (var part = 1u; part < ${boundAtRun(loops * AT_ONCE, "partial")}; part += ${AT_ONCE}u) { ${loop} }`,
    ]),
    ...(rest.length === 0 ? [] : [add(rest.map((part) => `${part * size}u`))]),
  ].join("\n  ");
}

/** The kernel that adds the parts up, the first to the last. */
export function sumPartsKernel({ size, parts, partial, result }: PartialSums, limits: DeviceLimits): WebGpuKernel {
  const vector = size % 4 === 0, count = vector ? size / 4 : size;
  return elementKernel(
    {
      count,
      iterations: parts,
      body: `${sumPartsWgsl(parts, "i", count)}
  result[i] = sum;`,
    },
    [{ name: "partial", index: partial, vector }, { name: "result", index: result, write: true, vector }],
    limits,
  );
}
