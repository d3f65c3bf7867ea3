/**
 * The staged WebGPU kernel of a convolution's weight gradient, for GPUs and few channels. A workgroup brings a band of the
 * output's gradient and what it meets of the input into workgroup memory, each element once for all taps; a thread adds up all
 * taps of some output channels and an input channel. Bands are taken in parts by different workgroups; the parts are added in a
 * fixed order.
 */

import {
  type DeviceLimits,
  type KernelFamily,
  type Launch,
  linearWorkgroups,
  MAX_ITERATIONS,
  sizeWgsl,
  type WebGpuKernel,
} from "../../../core/mod.ts";
import { BLOCK_WORK, LOAD_WORK, range, SLICE_WORK, vec4 } from "../../../kernels/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";
import { fetchElementWgsl, fetchVector, unitOf } from "./staged_fetch.ts";
import { busyThreads } from "./staged_tile.ts";
import { DY, kernelsOfParts, weightSize, X } from "./weight_gradient_parts.ts";
import {
  bandsOf,
  bandsOfPart,
  keepsAllTaps,
  metColumn,
  metQuads,
  stagedBand,
  stagedBandBytes,
  type StagedPlanes,
  stagedVectors,
  stagedWeightThreads,
  type StagedWeightTile,
  stagedWeightTiles,
  weightBlocksOf,
} from "./weight_gradient_staged_tile.ts";

/** The family. */
export const STAGED_WEIGHT: KernelFamily<ConvolutionProblem, StagedWeightTile> = {
  name: "staged",
  version: 2,
  supports: (problem) => problem.groupOutputs > 1 && keepsAllTaps(problem),
  configurations: (problem, { limits }) =>
    stagedWeightTiles(problem, limits).filter((tile) =>
      bandsOfPart(problem, tile) * iterationsOf(tile) <= MAX_ITERATIONS
    ),
  nameOf: ({ outputs, down, across, rows, columns, parts }) =>
    `staged ${outputs * down}x${across} in ${rows}x${columns}, ${outputs}x1${parts === 1 ? "" : `, ${parts} parts`}`,
  coverageOf: ({ outputs, parts }) => `${outputs}${parts === 1 ? "" : " in parts"}`,
  launchOf,
  emit: (problem, tile, { limits }) =>
    kernelsOfParts(problem, tile.parts, (target) => stagedKernel(problem, tile, target, limits), limits),
};

/** Registers of a thread beside its sums and what it loads of a band at once. */
const OTHER_REGISTERS = 36;

/** Loop iterations of a band. */
function iterationsOf({ rows, columns }: StagedWeightTile): number {
  return 16 * rows + rows * (columns / 4 + 1);
}

/** Work is counted as that of matrix products is: `launchOf` of `kernels/gemm/workgroup_choice.ts`. */
function launchOf(problem: ConvolutionProblem, tile: StagedWeightTile): Launch {
  const { groups, kernelHeight, kernelWidth } = problem, { outputs, rows, columns, parts } = tile;
  const threads = stagedWeightThreads(tile), taps = kernelHeight * kernelWidth, [x, dy] = stagedBand(problem, tile);
  const [down, across] = weightBlocksOf(problem, tile),
    loaded = 4 * (outputs + kernelHeight * metQuads(problem).length);
  const loads = ({ rows, quadLoads, planeLoads, width }: StagedPlanes) =>
    rows * quadLoads * planeLoads * 4 / unitOf(width);
  const band = busyThreads(threads) *
    (rows * columns / 4 * (4 * outputs * taps + loaded) + LOAD_WORK * (loads(x) + loads(dy)));
  return {
    blocks: down * across * groups * parts,
    work: bandsOfPart(problem, tile) * (band + SLICE_WORK) + 2 * threads * outputs * taps + BLOCK_WORK,
    threads,
    registers: outputs * taps + loaded + OTHER_REGISTERS,
    workgroupBytes: stagedBandBytes(problem, tile),
    parts,
    partialBytes: parts === 1 ? 0 : 4 * parts * weightSize(problem),
  };
}

function stagedKernel(
  problem: ConvolutionProblem,
  tile: StagedWeightTile,
  target: number,
  limits: DeviceLimits,
): WebGpuKernel {
  const { blocks } = launchOf(problem, tile);
  return {
    wgsl: stagedWgsl(problem, tile, blocks),
    bindings: [
      { name: "x", index: X, vector: unitOf(problem.width) === 4 },
      { name: "dy", index: DY, vector: unitOf(problem.outputWidth) === 4 },
      { name: "partial", index: target, write: true },
    ],
    workgroups: linearWorkgroups(blocks, limits, 1),
  };
}

function stagedWgsl(problem: ConvolutionProblem, tile: StagedWeightTile, blocks: number): string {
  const { batch, groups, groupInputs, groupOutputs, height, width, outputHeight, outputWidth } = problem;
  const { stride, padding, kernelHeight, kernelWidth } = problem, { outputs, down, across, rows, columns } = tile;
  const [x, dy] = stagedBand(problem, tile), [high, wide] = bandsOf(problem, tile), taps = kernelHeight * kernelWidth;
  const [outputBlocks, inputBlocks] = weightBlocksOf(problem, tile), bands = batch * high * wide;
  const share = bandsOfPart(problem, tile),
    sums = range(taps).flatMap((tap) => range(outputs / 4).map((v) => [tap, v]));
  const bringX = bringInWgsl("x", x, { channels: groupInputs, height, first: "firstInput" }, tile);
  const bringDy = bringInWgsl("dy", dy, { channels: groupOutputs, height: outputHeight, first: "firstOutput" }, tile);
  const planes = `(image * ${groups}u + group)`, [unitX, unitDy] = [width, outputWidth].map(unitOf);
  return `var<workgroup> staged_x: ${slotsWgsl(x)};
var<workgroup> staged_dy: ${slotsWgsl(dy)};
${fetchElementWgsl("x", width)}${fetchElementWgsl("dy", outputWidth)}@compute @workgroup_size(${
    stagedWeightThreads(tile)
  })
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  var block = id.y * groups.x + id.x;
  if (block >= ${sizeWgsl("blocks", blocks)}) { return; }
  let firstInput = block % ${sizeWgsl("input_blocks", inputBlocks)} * ${across}u; block /= ${
    sizeWgsl("input_blocks", inputBlocks)
  };
  let firstOutput = block % ${sizeWgsl("output_blocks", outputBlocks)} * ${down * outputs}u; block /= ${
    sizeWgsl("output_blocks", outputBlocks)
  };
  let group = block % ${groups}u;
  let part = block / ${groups}u;
  let ownOutput = lane % ${down}u;
  let ownInput = lane / ${down}u;
  ${bringX.setup}
  ${bringDy.setup}
  ${sums.map(([tap, v]) => `var sum${tap}_${v} = vec4<f32>();`).join(" ")}
  let begin = part * ${sizeWgsl("share", share)};
  let end = min(begin + ${sizeWgsl("share", share)}, ${sizeWgsl("bands", bands)});
  var bandColumn = begin % ${wide}u;
  var bandRow = begin / ${wide}u % ${high}u;
  var image = begin / ${wide * high}u;
  for (var band = begin; band < end; band++) {
    let firstY = i32(bandRow * ${rows * stride[0]}u) - ${padding[0]};
    let firstX = i32(bandColumn * ${columns * stride[1] / unitX}u) + ${x.firstColumn / unitX};
    let firstRow = i32(bandRow * ${rows}u);
    let firstColumn = i32(bandColumn * ${columns / unitDy}u);
    ${bringX.fetch(planes, "firstY", "firstX")}
    ${bringDy.fetch(planes, "firstRow", "firstColumn")}
    workgroupBarrier();
    for (var row = 0u; row < ${rows}u; row++) {
      let lineX = ownInput * ${x.planePitch}u + row * ${x.pitch * stride[0]}u;
      let lineDy = ownOutput * ${dy.planePitch}u + row * ${dy.pitch}u;
      for (var quad = 0u; quad < ${columns / 4}u; quad++) {
        ${addProducts(problem, tile)}
      }
    }
    workgroupBarrier();
    bandColumn++;
    if (bandColumn == ${wide}u) { bandColumn = 0u; bandRow++; }
    if (bandRow == ${high}u) { bandRow = 0u; image++; }
  }
  let input = firstInput + ownInput;
  ${inputBlocks * across === groupInputs ? "" : `if (input >= ${groupInputs}u) { return; }`}
  let target_ = part * ${sizeWgsl("weights", weightSize(problem))} + (group * ${
    sizeWgsl("group_weights", groupOutputs * groupInputs * taps)
  }) + input * ${taps}u;
  ${range(outputs).map((k) => storeOutput(problem, tile, k)).join("\n  ")}
}`;
}

/** Adds the products of four columns of a row: the outputs of a thread are as far apart as there are threads. */
function addProducts(problem: ConvolutionProblem, tile: StagedWeightTile): string {
  const { stride, dilation, kernelHeight, kernelWidth } = problem, [x] = stagedBand(problem, tile);
  const loadDy = (k: number) => `let dy${k} = staged_dy[${k}][lineDy + quad];`;
  const loadX = (i: number) =>
    metQuads(problem).map((quad) =>
      `let x${i}_${quad} = staged_x[0][lineX + quad * ${stride[1]}u + ${i * dilation[0] * x.pitch + quad}u];`
    ).join(" ");
  const addColumn = (column: number) => {
    const vectors = range(tile.outputs / 4);
    const gathered = vectors.map((v) => `let d${v} = ${vec4(range(4, 4 * v).map((k) => `dy${k}[${column}]`))};`);
    const products = range(kernelHeight * kernelWidth).flatMap((tap) => {
      const at = metColumn(problem, column, tap % kernelWidth);
      const element = `x${Math.floor(tap / kernelWidth)}_${Math.floor(at / 4)}[${at % 4}]`;
      return vectors.map((v) => `sum${tap}_${v} = fma(d${v}, vec4<f32>(${element}), sum${tap}_${v});`);
    });
    return `{ ${[...gathered, ...products].join(" ")} }`;
  };
  return [
    range(tile.outputs).map(loadDy).join(" "),
    ...range(kernelHeight).map(loadX),
    ...range(4).map(addColumn),
  ].join("\n        ");
}

/** Stores the taps of an output of a thread. */
function storeOutput(problem: ConvolutionProblem, tile: StagedWeightTile, k: number): string {
  const { groupInputs, groupOutputs, kernelHeight, kernelWidth } = problem, taps = kernelHeight * kernelWidth;
  const isRagged = groupOutputs % (tile.down * tile.outputs) !== 0;
  const stores = range(taps).map((tap) => `partial[at + ${tap}u] = sum${tap}_${k >> 2}[${k & 3}];`).join(" ");
  return `{ let output = firstOutput + ownOutput + ${k * tile.down}u; ${
    isRagged ? `if (output < ${groupOutputs}u) ` : ""
  }{ let at = target_ + output * ${sizeWgsl("output_weights", groupInputs * taps)}; ${stores} } }`;
}

/**
 * WGSL of the type of staged planes. A thread names the slot by a constant: what a runtime does to keep an index inside an array
 * is done once for its planes.
 */
function slotsWgsl(staged: StagedPlanes): string {
  return `array<array<vec4<f32>, ${stagedVectors(staged) / staged.slots}>, ${staged.slots}>`;
}

/** What is brought in of a buffer: channels of a group from the first of the block on, each a plane of an image. */
interface BroughtIn {
  readonly channels: number;
  readonly height: number;
  readonly first: string;
}

/** WGSL that brings planes of a buffer in: which are a thread's, once, and then each band's. */
function bringInWgsl(
  name: string,
  { planes, slots, rows, width, lanes, quadLoads, planeLoads, pitch, planePitch }: StagedPlanes,
  { channels, height, first }: BroughtIn,
  tile: StagedWeightTile,
): { setup: string; fetch: (group: string, row: string, column: string) => string } {
  const atOnce = stagedWeightThreads(tile) / lanes, unit = unitOf(width), line = width / unit;
  const ownQuad = `ownQuad_${name}`, ownPlane = `ownPlane_${name}`, quad = unit === 4 ? ownQuad : `4u * ${ownQuad}`;
  const inSlot = planes / slots;
  const place = (a: number) =>
    `let plane_${name}${a} = min(${first} + ${ownPlane} + ${a * atOnce}u, ${channels - 1}u) * ${
      sizeWgsl(`${name}_plane`, height * line)
    };
  let slot_${name}${a} = (${ownPlane} + ${a * atOnce}u) / ${inSlot}u;
  let park_${name}${a} = (${ownPlane} + ${a * atOnce}u) % ${inSlot}u * ${planePitch}u + ${ownQuad};`;
  const load = (a: number, i: number) =>
    `staged_${name}[slot_${name}${a}][park_${name}${a} + row + ${i * lanes}u] = ${
      fetchVector(name, width, `line + plane_${name}${a}`, "isIn", `at${i}`)
    };`;
  const loadPlane = (a: number) => {
    const loads = range(quadLoads).map((i) => load(a, i)).join(" ");
    return (a + 1) * atOnce > planes ? `if (${ownPlane} + ${a * atOnce}u < ${planes}u) { ${loads} }` : loads;
  };
  return {
    setup: `let ${ownQuad} = lane % ${lanes}u;
  let ${ownPlane} = lane / ${lanes}u;
  ${range(planeLoads).map(place).join("\n  ")}`,
    fetch: (group, firstRow, firstColumn) =>
      `{
      ${
        range(quadLoads).map((i) => `let at${i} = ${firstColumn} + i32(${quad} + ${i * lanes * 4 / unit}u);`).join(
          "\n      ",
        )
      }
      let planes = ${group} * ${sizeWgsl(`${name}_planes`, channels * height * line)};
      for (var r = 0u; r < ${rows}u; r++) {
        let y = ${firstRow} + i32(r);
        let isIn = (y >= 0) & (y < ${height});
        let line = planes + u32(clamp(y, 0, ${height - 1})) * ${line}u;
        let row = r * ${pitch}u;
        ${range(planeLoads).map(loadPlane).join("\n        ")}
      }
    }`,
  };
}
