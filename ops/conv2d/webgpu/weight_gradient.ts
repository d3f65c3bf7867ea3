/**
 * The naive WebGPU kernel of a convolution's weight gradient, which takes any shape. A thread sums a few output channels and
 * all taps of one input channel, or one tap of a large kernel, over a part of the output's lines.
 */

import { f32, type KernelFamily, linearWorkgroups, MAX_ITERATIONS } from "../../../core/mod.ts";
import { indexInTile, range, sumPartsKernel } from "../../../kernels/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";
import { inputPositions, isInsideSource, sourcePosition } from "./positions.ts";
import { DW, DY, linesOf, PARTIAL, partsOf, weightSize, X } from "./weight_gradient_parts.ts";

/** Threads that keep any device busy. */
const WANTED_THREADS = 8192;
/** Taps of the largest kernel that a thread sums whole. */
const MAX_TAPS_A_THREAD = 9;

/** All that the text depends on. */
interface NaiveWeightKernel {
  readonly problem: ConvolutionProblem;
  readonly taps: number;
  /** Output channels of a thread. */
  readonly outputs: number;
  /** Tiles of output channels in a group. */
  readonly outputTiles: number;
  /** Whether a thread sums all taps, else one. */
  readonly allTaps: boolean;
  readonly parts: number;
  readonly threads: number;
}

/** The most output channels of a thread. */
const MOST_OUTPUTS = 4;

/** The family. */
export const NAIVE_WEIGHT: KernelFamily<ConvolutionProblem, { readonly outputs: number }> = {
  name: "naive",
  version: 1,
  supports: (problem) => naiveLineIterations(problem) <= MAX_ITERATIONS,
  configurations: ({ groupOutputs }) =>
    [...new Set([Math.min(MOST_OUTPUTS, groupOutputs), 1])].map((outputs) => ({ outputs })),
  nameOf: ({ outputs }) => `naive ${outputs} ${outputs === 1 ? "output" : "outputs"}`,
  emit(problem, { outputs }, { limits }) {
    const kernel = kernelOf(problem, outputs), { parts, threads } = kernel, size = weightSize(problem);
    return {
      workspace: [f32([parts, size])],
      kernels: [{
        wgsl: partialSumsWgsl(kernel),
        bindings: [
          { name: "x", index: X },
          { name: "dy", index: DY },
          { name: "partial", index: PARTIAL, write: true },
        ],
        workgroups: linearWorkgroups(threads, limits),
      }, sumPartsKernel({ size, parts, partial: PARTIAL, result: DW }, limits)],
    };
  },
};

/** Loop iterations that a line takes. */
export function naiveLineIterations({ outputWidth }: ConvolutionProblem): number {
  return outputWidth + 1;
}

function kernelOf(problem: ConvolutionProblem, outputs: number): NaiveWeightKernel {
  const { batch, groups, groupInputs, groupOutputs, kernelHeight, kernelWidth } = problem;
  const taps = kernelHeight * kernelWidth, allTaps = taps <= MAX_TAPS_A_THREAD;
  const outputTiles = Math.ceil(groupOutputs / outputs);
  const threadsOfPart = groups * outputTiles * groupInputs * (allTaps ? 1 : taps);
  const lineIterations = naiveLineIterations(problem);
  const parts = partsOf(problem, { threadsOfPart, lineIterations, wantedThreads: WANTED_THREADS, most: batch });
  return { problem, taps, outputs, outputTiles, allTaps, parts, threads: threadsOfPart * parts };
}

/** The taps that a thread sums, of which a number stands for the one it has. */
function tapsOfThread({ taps, allTaps }: NaiveWeightKernel): number[] {
  return range(allTaps ? taps : 1);
}

function partialSumsWgsl(kernel: NaiveWeightKernel): string {
  const { problem, taps, outputs, outputTiles, allTaps, parts, threads } = kernel;
  const { groups, groupInputs, groupOutputs, height, width, outputHeight, outputWidth } = problem;
  const ks = range(outputs), lines = linesOf(problem), share = Math.ceil(lines / parts);
  const output = (k: number) => indexInTile("firstOutput", k, groupOutputs, outputs);
  return `fn load(line: u32, inside: bool, column: i32) -> f32 {
  return select(0.0, x[line + u32(clamp(column, 0, ${width - 1}))], inside & (column >= 0) & (column < ${width}));
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  var thread = id.y * (groups.x * 64u) + id.x;
  if (thread >= ${threads}u) { return; }
  ${allTaps ? "" : `let tap = thread % ${taps}u; thread /= ${taps}u;`}
  let c = thread % ${groupInputs}u; thread /= ${groupInputs}u;
  let firstOutput = (thread % ${outputTiles}u) * ${outputs}u; thread /= ${outputTiles}u;
  let group = thread % ${groups}u;
  let part = thread / ${groups}u;
  ${ks.flatMap((k) => tapsOfThread(kernel).map((tap) => `var sum${k}_${tap} = 0.0;`)).join(" ")}
  let end = min((part + 1u) * ${share}u, ${lines}u);
  for (var line = part * ${share}u; line < end; line++) {
    let image = line / ${outputHeight}u;
    let oy = line % ${outputHeight}u;
    let source = ((image * ${groups}u + group) * ${groupInputs}u + c) * ${height * width}u;
    ${
    ks.map((k) =>
      `let d${k} = ((image * ${groups}u + group) * ${groupOutputs}u + ${output(k)}) * ${outputHeight * outputWidth}u;`
    ).join("\n    ")
  }
    ${findRows(kernel)}
    for (var ox = 0u; ox < ${outputWidth}u; ox++) {
      let position = oy * ${outputWidth}u + ox;
      ${ks.map((k) => `let g${k} = dy[d${k} + position];`).join(" ")}
      ${tapsOfThread(kernel).map((tap) => addTap(kernel, tap)).join("\n      ")}
    }
  }
  ${ks.map((k) => storeOutput(kernel, k)).join("\n  ")}
}`;
}

/** The rows of the input that the output's line meets. */
function findRows({ problem, allTaps }: NaiveWeightKernel): string {
  const { kernelHeight, kernelWidth, height, width } = problem, positions = inputPositions(problem);
  const find = (i: number) =>
    `let t${i} = ${sourcePosition(positions, 0, "oy", allTaps ? `${i}u` : `tap / ${kernelWidth}u`)};
    let inside${i} = ${isInsideSource(positions, 0, `t${i}`)};
    let line${i} = source + u32(clamp(t${i}, 0, ${height - 1})) * ${width}u;`;
  return range(allTaps ? kernelHeight : 1).map(find).join("\n    ");
}

/** Adds the products of a column and a tap. */
function addTap({ problem, outputs, allTaps }: NaiveWeightKernel, tap: number): string {
  const { kernelWidth } = problem, i = allTaps ? Math.floor(tap / kernelWidth) : 0;
  const j = allTaps ? `${tap % kernelWidth}u` : `tap % ${kernelWidth}u`;
  const column = sourcePosition(inputPositions(problem), 1, "ox", j);
  const updates = range(outputs).map((k) => `sum${k}_${tap} += g${k} * v;`).join(" ");
  return `{ let v = load(line${i}, inside${i}, ${column}); ${updates} }`;
}

/** Stores the sums of the k-th output channel, if it is inside. */
function storeOutput(kernel: NaiveWeightKernel, k: number): string {
  const { problem, taps, outputs, allTaps } = kernel, { groupInputs, groupOutputs } = problem;
  const index = (tap: number) =>
    `((group * ${groupOutputs}u + firstOutput + ${k}u) * ${groupInputs}u + c) * ${taps}u + ${
      allTaps ? `${tap}u` : "tap"
    }`;
  const stores = tapsOfThread(kernel).map((tap) =>
    `partial[part * ${weightSize(problem)}u + ${index(tap)}] = sum${k}_${tap};`
  ).join("\n  ");
  return groupOutputs % outputs === 0 ? stores : `if (firstOutput + ${k}u < ${groupOutputs}u) {\n  ${stores}\n  }`;
}
