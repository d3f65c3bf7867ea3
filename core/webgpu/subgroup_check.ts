/** Checks that a device sums, compares and hands on by subgroups, by the functions that kernels use and numbers with known results. */

import { DeviceError } from "../util/errors.ts";
import { f32 } from "../graph/shape.ts";
import type { WebGpuBackend } from "./backend.ts";
import { runKnownAnswer } from "./known_answer.ts";
import { subgroupReduction } from "./text/subgroups.ts";

/** Threads of the workgroups that are checked: those of kernels. */
const LANES = [64, 256] as const;
/** Results of a thread. */
const RESULTS = ["sum", "maximum", "sum of a part", "sum of what was handed on"] as const;

/** Integers, of which any order gives the same sum; the largest is neither first nor last. */
function numbersOf(lanes: number): number[] {
  return Array.from({ length: lanes }, (_, lane) => (lane * 37 + 11) % lanes - lanes / 4);
}

/**
 * All threads write both results, then the sum where some threads have nothing to add, then that of what all threads of a
 * subgroup hand on by their numbers there.
 */
function textOf(lanes: number): string {
  const part = lanes - 5;
  return `${subgroupReduction("reduceTotal", "totalLanes", lanes, "sum")}
${subgroupReduction("reduceLargest", "largestLanes", lanes, "max")}
${subgroupReduction("reducePart", "partLanes", lanes, "sum")}
${subgroupReduction("reduceHanded", "handedLanes", lanes, "sum")}
@compute @workgroup_size(${lanes}) @diagnostic(off, subgroup_uniformity)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) rank: u32) {
  y[lane] = reduceTotal(lane, x[lane]);
  y[${lanes}u + lane] = reduceLargest(lane, x[lane]);
  var own = 0.0;
  for (var k = lane; k < ${part}u; k += ${lanes}u) { own += x[k]; }
  y[${2 * lanes}u + lane] = reducePart(lane, own);
  // Each thread adds up what all have, and keeps its share of it: that of the subgroup, once.
  let size = subgroupAdd(1u);
  var handed = 0.0;
  for (var j = 0u; j < size; j++) { handed += subgroupShuffle(x[lane], j); }
  y[${3 * lanes}u + lane] = reduceHanded(lane, select(0.0, handed, rank == size - 1u));
}`;
}

/**
 * Runs the functions on numbers with known results.
 *
 * @returns The first error, as the rest of a sentence about the adapter; nothing if all results are right.
 */
export async function findSubgroupProblem(backend: WebGpuBackend): Promise<string | undefined> {
  for (const lanes of LANES) {
    if (lanes > backend.limits.maxComputeInvocationsPerWorkgroup) continue;
    const data = numbersOf(lanes), sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each);
    const expected = [sum(data), Math.max(...data), sum(data.slice(0, lanes - 5)), sum(data)];
    try {
      const results = await runKnownAnswer(backend, {
        label: `the check of subgroups (${lanes} threads)`,
        wgsl: textOf(lanes),
        from: f32([lanes]),
        to: f32([RESULTS.length * lanes]),
        data,
      });
      const wrong = Array.from(results).findIndex((value, k) => value !== expected[Math.floor(k / lanes)]);
      if (wrong < 0) continue;
      const result = Math.floor(wrong / lanes);
      return `gets subgroups wrong: in thread ${wrong % lanes} of ${lanes} the ${RESULTS[result]} was ${
        results[wrong]
      } where ${expected[result]} was expected`;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      return `does not run a kernel with subgroups (${error.message})`;
    }
  }
  return undefined;
}
