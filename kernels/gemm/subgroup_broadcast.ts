/**
 * A kernel of small matrix products: adjacent threads compute adjacent columns of a few rows. The threads of a subgroup load
 * what the rows of A have at adjacent depths, a depth each, and take it from each other: A is read once a subgroup, and not once
 * a thread, without workgroup memory and its barriers.
 */

import {
  type DeviceAbilities,
  type KernelFamily,
  linearWorkgroups,
  MAX_ITERATIONS,
  type WebGpuKernel,
} from "../../core/mod.ts";
import { range } from "../text.ts";
import type { GemmProblem } from "./problem.ts";
import { scalarBindings } from "./store.ts";

/** Threads of a workgroup: columns that it computes. */
const THREADS = 64;
/** Rows that a thread may compute. */
const ROWS = [1, 2, 4, 8];

/** Products on devices with subgroups. There is no rule for it: it was measured nowhere. */
export const SUBGROUP_BROADCAST_GEMM: KernelFamily<GemmProblem, { readonly rows: number }> = {
  name: "GEMM by broadcasts",
  version: 1,
  supports: ({ k }, { subgroups }) => subgroups && k <= MAX_ITERATIONS,
  // Half of the rows of a larger tile would be for nothing.
  configurations: ({ m }) => ROWS.filter((rows) => rows < 2 * m).map((rows) => ({ rows })),
  nameOf: ({ rows }) => `GEMM by broadcasts ${rows}x${THREADS}`,
  emit: (problem, { rows }, { limits }) => ({ kernels: [broadcastKernel(problem, rows, limits)] }),
};

function broadcastKernel(problem: GemmProblem, rows: number, limits: DeviceAbilities["limits"]): WebGpuKernel {
  const { m, n, k, a, b, batch = 1, bias, epilogue } = problem, all = range(rows);
  const down = Math.ceil(m / rows), wide = Math.ceil(n / THREADS), blocks = down * wide * batch;
  const row = (r: number) => `firstRow + ${r}u`,
    held = (r: number) => m % rows === 0 ? row(r) : `min(${row(r)}, ${m - 1}u)`;
  const load = (r: number) => `let own${r} = f32(a[(${held(r)}) * ${a[0]}u + depth * ${a[1]}u]);`;
  const add = (r: number) => `sum${r} = fma(subgroupShuffle(own${r}, j), value, sum${r});`;
  const finish = (r: number) => {
    const biased = bias === undefined ? "" : ` + bias[${bias.of === "row" ? row(r) : "column"}]`;
    const guard = m % rows === 0 ? "" : `if (${row(r)} < ${m}u) `;
    return `${guard}{
    let value = sum${r}${biased};
    let position = (product * ${m}u + ${row(r)}) * ${n}u + column;
    c[position] = ${epilogue === undefined ? "value" : epilogue.apply("value", "position", 1)};
  }`;
  };
  return {
    // The size of a subgroup is the same for all of its threads, and with it how often each loop runs.
    wgsl: `@compute @workgroup_size(${THREADS}) @diagnostic(off, subgroup_uniformity)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) rank: u32) {
  var block = id.y * groups.x + id.x;
  if (block >= ${blocks}u) { return; }
  let size = subgroupAdd(1u);
  let firstRow = block % ${down}u * ${rows}u; block /= ${down}u;
  let column = block % ${wide}u * ${THREADS}u + lane;
  let product = block / ${wide}u;
  let firstB = product * ${k * n}u + min(column, ${n - 1}u) * ${b[1]}u;
  ${all.map((r) => `var sum${r} = 0.0;`).join(" ")}
  for (var p = 0u; p < ${k}u; p += size) {
    let depth = min(p + rank, ${k - 1}u);
    ${all.map(load).join("\n    ")}
    let deep = min(size, ${k}u - p);
    for (var j = 0u; j < deep; j++) {
      let value = f32(b[firstB + (p + j) * ${b[0]}u]);
      ${all.map(add).join("\n      ")}
    }
  }
  if (column >= ${n}u) { return; }
  ${all.map(finish).join("\n  ")}
}`,
    bindings: scalarBindings(problem),
    workgroups: linearWorkgroups(blocks, limits, 1),
  };
}
