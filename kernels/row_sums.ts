/** Sums of rows of any length, in a fixed order, so that runs repeat to the bit. */

import {
  boundAtRun,
  elementKernel,
  f32,
  implement,
  type Implementation,
  type KernelFamily,
  linearWorkgroups,
  MAX_ITERATIONS,
  type Rule,
  type WebGpuKernel,
} from "../core/mod.ts";
import { REDUCE_LANES, rowMain, workgroupSum } from "./reduce.ts";
import { preferSubgroups, reducingFamilies, type ReducingKernels } from "./reduce_families.ts";

/** Sums of rows. */
export interface RowSums {
  /** How many there are. */
  readonly rows: number;
  /** Elements of each. */
  readonly length: number;
  /** WGSL of element `k` of row `row`. */
  readonly element: string;
  /** WGSL of what is stored, from `sum` and `row`. */
  readonly finish: string;
  /** The buffers that `element` and `finish` read. */
  readonly buffers: WebGpuKernel["bindings"];
  /** The index of the result; the workspace follows it. */
  readonly output: number;
}

/** Elements that a workgroup adds up. */
const PART = 65_536;

/** The parts of a row are summed by workgroups, and the parts' sums by a thread a row. It takes rows of any length. */
const WORKGROUPS_A_ROW: ReducingKernels<RowSums> = {
  name: "workgroups a row",
  version: 1,
  emit({ rows, length, element, finish, buffers, output }, by, { limits }) {
    const parts = Math.ceil(length / PART), partial = output + 1;
    const reads = (text: string) => buffers.filter(({ name }) => new RegExp(`\\b${name}\\[`).test(text));
    return {
      workspace: [f32([rows, parts])],
      kernels: [
        {
          wgsl: `${workgroupSum(["total"], by)}
${rowMain(rows * parts)}
  let slot = row;
  let end = min((slot % ${parts}u + 1u) * ${PART}u, ${length}u);
  let total = sumOfPart(slot / ${parts}u, slot % ${parts}u * ${PART}u + lane, end);
  let result = reduceTotal(lane, total);
  if (lane == 0u) { partial[slot] = result; }
}
fn sumOfPart(row: u32, first: u32, end: u32) -> f32 {
  var sum = 0.0;
  for (var k = first; k < end; k += ${REDUCE_LANES}u) { sum += ${element}; }
  return sum;
}`,
          bindings: [...reads(element), { name: "partial", index: partial, write: true }],
          workgroups: linearWorkgroups(rows * parts, limits, 1),
        },
        elementKernel(
          {
            count: rows,
            iterations: parts,
            body: `let row = i;
  var sum = 0.0;
  for (var part = 0u; part < ${boundAtRun(parts, "partial")}; part++) { sum += partial[row * ${parts}u + part]; }
  y[row] = ${finish};`,
          },
          [{ name: "partial", index: partial }, ...reads(finish), { name: "y", index: output, write: true }],
          limits,
        ),
      ],
    };
  },
};

/** A thread sums a row: no barriers. */
const THREAD_A_ROW: KernelFamily<RowSums> = {
  name: "a thread a row",
  version: 1,
  supports: ({ length }) => !isLongSum(length),
  configurations: () => [{}],
  emit({ rows, length, element, finish, buffers, output }, _configuration, { limits }) {
    const body = `let row = i;
  var sum = 0.0;
  for (var k = 0u; k < ${length}u; k++) { sum += ${element}; }
  y[row] = ${finish};`;
    const bindings = [...buffers, { name: "y", index: output, write: true }];
    return { kernels: [elementKernel({ count: rows, body, iterations: length }, bindings, limits)] };
  },
};

/** The longest row that a thread adds up alone. */
const MAX_ROW_OF_THREAD = 4096;

const RULES: readonly Rule<RowSums>[] = [
  {
    on: "software",
    because: "barriers are slow there, and there are many short rows",
    when: ({ rows, length }) => rows >= 8 * REDUCE_LANES && length <= MAX_ROW_OF_THREAD,
    family: THREAD_A_ROW.name,
  },
  preferSubgroups(WORKGROUPS_A_ROW.name),
];

/** Whether a sum is so long that {@link rowSums} must take it: every driver runs {@link MAX_ITERATIONS} of one thread. */
export function isLongSum(length: number): boolean {
  return length > MAX_ITERATIONS;
}

/**
 * Sums of any length, in a fixed order.
 *
 * @param work `element`: WGSL of element `k` of row `row`. `finish`: WGSL of what is stored, from `sum` and `row`, the sum by
 * default. `buffers`: those that both read. `output`: the index of the result; the workspace follows it.
 */
export function rowSums(
  rows: number,
  length: number,
  work: Omit<RowSums, "rows" | "length" | "finish"> & { readonly finish?: string },
): Implementation {
  const [byHalves, bySubgroups] = reducingFamilies(WORKGROUPS_A_ROW);
  return implement({ finish: "sum", ...work, rows, length }, [byHalves, THREAD_A_ROW, bySubgroups], RULES);
}
