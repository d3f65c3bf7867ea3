/** Sums and maxima in a fixed order, so that runs repeat to the bit: of a workgroup of 64 threads, and of rows. */

import {
  argument,
  type CpuStages,
  type DeviceAbilities,
  DeviceError,
  type Join,
  MAX_ITERATIONS,
  type NumericArray,
  sentence,
  subgroupReduction,
  type WebGpuKernel,
} from "../core/mod.ts";

/** The threads that take part. */
export const REDUCE_LANES = 64;

/** How the threads of a workgroup join their values: by halves in workgroup memory, or by subgroups where a device has them. */
export type ReduceBy = "workgroups" | "subgroups";

/** The ways in which a device's workgroups can join their values, the plainest first. */
export function waysToReduce({ subgroups }: Pick<DeviceAbilities, "subgroups">): readonly ReduceBy[] {
  return subgroups ? ["workgroups", "subgroups"] : ["workgroups"];
}

/**
 * WGSL functions `reduceTotal(lane, value)` (for a name `total`) that give every thread the workgroup's sum. A kernel calls
 * each once.
 *
 * @param names One function for each; each has workgroup memory of its own.
 * @param by How values are joined.
 * @param lanes The threads of the workgroup, a power of 2.
 */
export function workgroupSum(names: readonly string[], by: ReduceBy, lanes: number = REDUCE_LANES): string {
  return reductions(names, by, lanes, "sum");
}

/** WGSL functions `reduceLargest(lane, value)` (for a name `largest`) that give every thread the workgroup's maximum. */
export function workgroupMax(names: readonly string[], by: ReduceBy): string {
  return reductions(names, by, REDUCE_LANES, "max");
}

/**
 * WGSL: the head of a kernel of one workgroup a row, dispatched by `linearWorkgroups(rows, limits, 1)`. It declares `row`
 * and `lane`; workgroups beyond the last row leave as a whole, so that barriers may follow.
 */
export function rowMain(rows: number, lanes: number = REDUCE_LANES): string {
  return `@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= ${rows}u) { return; }`;
}

/** The kernel that adds up the `count` elements of a buffer in one workgroup: `result = total · scale`. */
export function sumKernel(count: number, scale: string, from: number, to: number, by: ReduceBy): WebGpuKernel {
  return {
    wgsl: `${workgroupSum(["total"], by)}
@compute @workgroup_size(${REDUCE_LANES})
fn main(@builtin(local_invocation_index) lane: u32) {
  var total = 0.0;
  for (var i = lane; i < ${count}u; i += ${REDUCE_LANES}u) { total += rows[i]; }
  let sum = reduceTotal(lane, total);
  if (lane == 0u) { result[0] = sum * ${scale}; }
}`,
    bindings: [{ name: "rows", index: from }, { name: "result", index: to, write: true }],
    workgroups: [1, 1, 1],
  };
}

/**
 * Checks that the loops of one thread are short enough to be run to their end.
 *
 * @throws {DeviceError} If they are not, since the result would be silently wrong.
 */
export function expectIterations(op: string, iterations: number): void {
  if (iterations <= MAX_ITERATIONS) return;
  const instead = sentence`use a smaller window or fewer channels, or ${argument("backend", "cpu")}`;
  const limit = `more than the ${MAX_ITERATIONS} that every driver runs`;
  throw new DeviceError(
    sentence`${op}: this shape takes ${iterations} loop iterations of one WebGPU thread, ${limit}; ${instead}`,
  );
}

/** Rows of a CPU task: fixed, so that a split does not depend on the number of threads. */
const ROWS = 64;

/** A CPU kernel that computes one number a row, and then `result[0]`: their sum by `scale`. */
export function rowSumStages(
  rows: number,
  scale: number,
  result: number,
  run: (buffers: readonly NumericArray[], row: number) => number,
): CpuStages {
  return {
    workspace: rows,
    stages: [{
      tasks: Math.ceil(rows / ROWS),
      run(buffers, task, { workspace }) {
        const end = Math.min(rows, (task + 1) * ROWS);
        for (let row = task * ROWS; row < end; row++) workspace[row] = run(buffers, row);
      },
    }, {
      tasks: 1,
      run(buffers, _task, { workspace }) {
        let sum = 0;
        for (let row = 0; row < rows; row++) sum += workspace[row];
        buffers[result][0] = sum * scale;
      },
    }],
  };
}

function reductions(names: readonly string[], by: ReduceBy, lanes: number, join: Join): string {
  return names.map((name) => {
    const memory = `${name}Lanes`, title = `reduce${name[0].toUpperCase()}${name.slice(1)}`;
    return by === "subgroups" ? subgroupReduction(title, memory, lanes, join) : halving(title, memory, lanes, join);
  }).join("\n");
}

/** The lower half of the threads takes in the upper half's values, until one is left. */
function halving(title: string, memory: string, lanes: number, join: Join): string {
  const own = `${memory}[lane]`, other = `${memory}[lane + half]`;
  return `var<workgroup> ${memory}: array<f32, ${lanes}>;
fn ${title}(lane: u32, value: f32) -> f32 {
  ${memory}[lane] = value;
  workgroupBarrier();
  for (var half = ${lanes / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { ${own} = ${join === "sum" ? `${own} + ${other}` : `max(${own}, ${other})`}; }
    workgroupBarrier();
  }
  return ${memory}[0];
}`;
}
