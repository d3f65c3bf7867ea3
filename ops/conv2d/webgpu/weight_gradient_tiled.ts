/**
 * The register-tiled WebGPU kernel of a convolution's weight gradient. A thread sums all taps of some output and some input
 * channels over a part of the output's lines, some adjacent columns at a time. From buffers, whose loads are slow, what the
 * next columns meet again of the input stays in registers. Through textures there is one flat loop over all columns: lavapipe
 * re-selects every accumulator at each loop's end.
 */

import {
  f32,
  lazyVariant,
  linearWorkgroups,
  type MarkedVariant,
  type WebGpuKernel,
  type WebGpuLimits,
} from "../../../core/mod.ts";
import { indexInTile, range, sumPartsKernel, vec4 } from "../../../kernels/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";
import { DW, DY, linesOf, PARTIAL, partsOf, weightSize, X } from "./weight_gradient_parts.ts";

/** The register tile of a thread. */
export interface WeightTile {
  /** Output channels: a multiple of four, whose sums are vectors; or one, whose sums are vectors over the columns. */
  readonly outputs: number;
  /** Input channels. */
  readonly inputs: number;
  /** Vectors of four adjacent columns at a time, a divisor of those of a line of output. Defaults to 1. */
  readonly vectors?: number;
  /** Whether both images are read through textures; their lines must be whole vectors. */
  readonly viaTexture?: boolean;
}

/** Threads of a workgroup. */
const WORKGROUP = 64;

/** The most sums of a thread: with four times as many lavapipe is a tenth faster, and compiles five times as long. */
const MAX_SUMS = 80;
/** Outputs and inputs of tiles for images in buffers, the largest first. */
const TILES: readonly (readonly [number, number])[] = [[8, 8], [8, 4], [4, 4], [4, 2], [4, 1]];
/** The same for images that are read through textures. */
const TEXTURE_TILES: typeof TILES = [[8, 8], [8, 4], [8, 2], [8, 1], [4, 1]];
/** Multiplications of vectors in a loop that reads textures: of more, its code is larger than a processor's fastest cache. */
const MAX_TEXTURE_PRODUCTS = 320;

/** Whether a thread can sum all taps. */
export function canTileWeights({ kernelHeight, kernelWidth }: ConvolutionProblem): boolean {
  return kernelHeight * kernelWidth <= MAX_SUMS;
}

/** The largest tile that has no more sums and is not much larger than the weights. */
export function fitWeightTile(problem: ConvolutionProblem, tiles: typeof TILES = TILES): WeightTile {
  const { groupInputs, groupOutputs, kernelHeight, kernelWidth } = problem;
  const fitted = tiles.map(([outputs, inputs]) => ({
    outputs: groupOutputs === 1 ? 1 : Math.min(outputs, 4 * Math.ceil(groupOutputs / 4)),
    inputs: Math.min(inputs, groupInputs),
  }));
  const sums = ({ outputs, inputs }: WeightTile) => outputs * inputs * kernelHeight * kernelWidth;
  return fitted.find((tile) => sums(tile) <= MAX_SUMS) ?? fitted[fitted.length - 1];
}

/** The tile for images that are read through textures: best a line at a time, whose ends are known. */
export function fitTextureWeightTile(problem: ConvolutionProblem): WeightTile {
  const tile = fitWeightTile(problem, TEXTURE_TILES), line = problem.outputWidth / 4;
  const products = tile.outputs * tile.inputs * problem.kernelHeight * problem.kernelWidth;
  const fits = (vectors: number) => products * vectors <= MAX_TEXTURE_PRODUCTS;
  return { ...tile, vectors: fits(line) ? line : line % 2 === 0 && fits(2) ? 2 : 1, viaTexture: true };
}

/** The vectors of four elements of the larger image; infinite where lines are not whole vectors. */
export function texelsOfWeightGradient(problem: ConvolutionProblem): number {
  const { batch, groups, groupInputs, groupOutputs, height, width, outputHeight, outputWidth } = problem;
  const largest = Math.max(groupInputs * height * width, groupOutputs * outputHeight * outputWidth);
  return width % 4 === 0 && outputWidth % 4 === 0 ? batch * groups * largest / 4 : Infinity;
}

/** All that the text depends on. */
interface TiledKernel {
  readonly problem: ConvolutionProblem;
  readonly taps: number;
  readonly tile: WeightTile & { readonly vectors: number };
  /** Whether sums are vectors over the columns, those of one output. */
  readonly singleOutput: boolean;
  /** Tiles of output channels in a group. */
  readonly outputTiles: number;
  /** Tiles of input channels in a group. */
  readonly inputTiles: number;
  /** Steps along a line of output. */
  readonly segments: number;
  readonly parts: number;
  readonly threads: number;
  readonly window: Window;
}

/**
 * What a thread holds of a line of the input: units at distances `first` to `last` from that of the column it is at. A unit
 * is a vector of four where lines are whole vectors, else an element.
 */
interface Window {
  /** Elements of a unit. */
  readonly size: 1 | 4;
  readonly first: number;
  readonly last: number;
  /** Units that a step along a line moves by. */
  readonly step: number;
}

/**
 * The variant of a tile.
 *
 * @param wantedThreads Threads that keep the device busy.
 */
export function tiledWeightVariant(
  problem: ConvolutionProblem,
  tile: WeightTile,
  wantedThreads: number,
  limits: WebGpuLimits,
): MarkedVariant {
  const kernel = kernelOf(problem, tile, wantedThreads), { parts } = kernel, size = weightSize(problem);
  const { outputs, inputs, vectors, viaTexture } = kernel.tile;
  const name = `tiled ${outputs}x${inputs}${viaTexture ? `x${4 * vectors}, texels` : ""}`;
  if (parts === 1) return lazyVariant({ name }, () => [partialSumsKernel(kernel, DW, limits)]);
  return lazyVariant(
    { name, workspace: [f32([parts, size])] },
    () => [
      partialSumsKernel(kernel, PARTIAL, limits),
      sumPartsKernel({ size, parts, partial: PARTIAL, result: DW }, limits),
    ],
  );
}

function kernelOf(
  problem: ConvolutionProblem,
  { vectors = 1, ...tile }: WeightTile,
  wantedThreads: number,
): TiledKernel {
  const { groups, groupInputs, groupOutputs, kernelHeight, kernelWidth, outputWidth } = problem;
  const outputTiles = Math.ceil(groupOutputs / tile.outputs), inputTiles = Math.ceil(groupInputs / tile.inputs);
  const threadsOfPart = groups * outputTiles * inputTiles, segments = Math.ceil(outputWidth / (4 * vectors));
  const lineIterations = tile.viaTexture ? segments : segments + 1;
  const parts = partsOf(problem, { threadsOfPart, lineIterations, wantedThreads, most: linesOf(problem) });
  return {
    problem,
    taps: kernelHeight * kernelWidth,
    tile: { ...tile, vectors },
    singleOutput: tile.outputs === 1,
    outputTiles,
    inputTiles,
    segments,
    parts,
    threads: threadsOfPart * parts,
    window: windowOf(problem, vectors),
  };
}

function windowOf({ width, stride, padding, dilation, kernelWidth }: ConvolutionProblem, vectors: number): Window {
  const size = width % 4 === 0 ? 4 : 1;
  const least = -padding[1], most = (4 * vectors - 1) * stride[1] + (kernelWidth - 1) * dilation[1] - padding[1];
  return { size, first: Math.floor(least / size), last: Math.floor(most / size), step: 4 * vectors * stride[1] / size };
}

/** The kernel that writes the sums of each part to the buffer `partial` [parts, weights]. */
function partialSumsKernel(kernel: TiledKernel, partial: number, limits: WebGpuLimits): WebGpuKernel {
  const { problem, tile: { viaTexture: texels }, threads } = kernel;
  return {
    wgsl: partialSumsWgsl(kernel),
    bindings: [
      { name: "x", index: X, vector: problem.width % 4 === 0, texels },
      { name: "dy", index: DY, vector: problem.outputWidth % 4 === 0, texels },
      { name: "partial", index: partial, write: true },
    ],
    workgroups: linearWorkgroups(threads, limits, WORKGROUP),
  };
}

function partialSumsWgsl(kernel: TiledKernel): string {
  const { problem, tile, inputTiles, outputTiles, threads } = kernel, { groups, stride } = problem;
  const loop = loopOf(kernel);
  return `${loadXWgsl(kernel)}
${loadDyWgsl(kernel)}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  var thread = id.y * (groups.x * ${WORKGROUP}u) + id.x;
  if (thread >= ${threads}u) { return; }
  let firstInput = thread % ${inputTiles}u * ${tile.inputs}u; thread /= ${inputTiles}u;
  let firstOutput = thread % ${outputTiles}u * ${tile.outputs}u; thread /= ${outputTiles}u;
  let group = thread % ${groups}u;
  let part = thread / ${groups}u;
  ${sumsOf(kernel).map((sum) => `var ${sumName(sum)} = vec4<f32>();`).join(" ")}
  ${declareUnits(kernel)}
  let end = ${loop.end};
  ${loop.line}
    ${findLines(kernel)}
    ${loadReusedUnits(kernel)}
    ${loop.column}
      let x0 = i32(ox * ${stride[1]}u);
      ${loadUnits(kernel)}
      ${loadOutputs(kernel)}
      ${addProducts(kernel)}
      ${moveReusedUnits(kernel)}
    }
  }
  ${storeSums(kernel)}
}`;
}

/** The loops over lines and over columns; through textures the first is over both. */
function loopOf(kernel: TiledKernel): { end: string; line: string; column: string } {
  const { problem, tile, segments, parts } = kernel, lines = linesOf(problem), share = Math.ceil(lines / parts);
  const columns = 4 * tile.vectors, end = `min((part + 1u) * ${share}u, ${lines}u)`, first = `part * ${share}u`;
  if (!tile.viaTexture) {
    return {
      end,
      line: `for (var line = ${first}; line < end; line++) {`,
      column: `for (var ox = 0u; ox < ${problem.outputWidth}u; ox += ${columns}u) {`,
    };
  }
  const column = isWholeLine(kernel) ? "0u" : `segment % ${segments}u * ${columns}u`;
  return {
    end: `${end} * ${segments}u`,
    line: `for (var segment = ${first} * ${segments}u; segment < end; segment++) { let line = segment / ${segments}u;`,
    column: `{ let ox = ${column};`,
  };
}

/** Where the planes and rows of a line are. */
function findLines({ problem, tile }: TiledKernel): string {
  const { groups, groupInputs, groupOutputs, height, width, outputHeight, outputWidth } = problem;
  const { kernelHeight, stride, padding, dilation } = problem, plane = outputHeight * outputWidth;
  const input = (c: number) => indexInTile("firstInput", c, groupInputs, tile.inputs);
  const output = (k: number) => indexInTile("firstOutput", k, groupOutputs, tile.outputs);
  const row = (i: number) =>
    `let y${i} = ${shifted(`i32(oy * ${stride[0]}u)`, i * dilation[0] - padding[0])};
    let inside${i} = y${i} >= 0 && y${i} < ${height}; let row${i} = u32(clamp(y${i}, 0, ${height - 1})) * ${width}u;`;
  const lineOfX = (c: number) => `let line${c} = (planes + ${input(c)}) * ${height * width}u;`;
  const lineOfDy = (k: number) => `let line${k}Dy = (outputPlanes + ${output(k)}) * ${plane}u + oy * ${outputWidth}u;`;
  return `let image = line / ${outputHeight}u;
    let oy = line % ${outputHeight}u;
    let planes = (image * ${groups}u + group) * ${groupInputs}u;
    ${range(tile.inputs).map(lineOfX).join(" ")}
    ${range(kernelHeight).map(row).join("\n    ")}
    let outputPlanes = (image * ${groups}u + group) * ${groupOutputs}u;
    ${range(tile.outputs).map(lineOfDy).join(" ")}`;
}

/** An expression and a constant. */
function shifted(text: string, by: number): string {
  return by < 0 ? `${text} - ${-by}` : `${text} + ${by}`;
}

/** A unit that a thread holds: of an input of the tile, a row of the kernel, at a distance. */
interface Unit {
  readonly input: number;
  readonly row: number;
  readonly distance: number;
}

/** The units that are ever loaded. */
function unitsOf(kernel: TiledKernel): Unit[] {
  const { problem, tile, window } = kernel, distances = range(window.last - window.first + 1, window.first);
  const units: Unit[] = [];
  for (const input of range(tile.inputs)) {
    for (const row of range(problem.kernelHeight)) {
      for (const distance of distances) if (isLoaded(kernel, distance)) units.push({ input, row, distance });
    }
  }
  return units;
}

/** Whether a step takes a whole line. */
function isWholeLine({ tile, segments }: TiledKernel): boolean {
  return tile.viaTexture === true && segments === 1;
}

/** Where a step takes a whole line, what lies outside of it is zero and never loaded. */
function isLoaded(kernel: TiledKernel, distance: number): boolean {
  const { problem: { width }, window: { size } } = kernel;
  return !isWholeLine(kernel) || (distance >= 0 && distance * size < width);
}

/** Whether the next step finds the unit among those of this one. */
function isReused({ tile, window }: TiledKernel, distance: number): boolean {
  return !tile.viaTexture && distance + window.step <= window.last;
}

function unitName({ input, row, distance }: Unit): string {
  return `x${input}_${row}_${String(distance).replace("-", "m")}`;
}

function declareUnits(kernel: TiledKernel): string {
  const type = kernel.window.size === 4 ? "vec4<f32>" : "f32";
  return unitsOf(kernel).map((unit) => `var ${unitName(unit)}: ${type};`).join(" ");
}

/** Loads a unit at a distance from the column `at`. */
function loadUnit({ window }: TiledKernel, unit: Unit, at: string): string {
  const { input, row, distance } = unit, column = shifted(at, distance * window.size);
  return `${unitName(unit)} = loadX(line${input} + row${row}, inside${row}, ${column});`;
}

/** Before a line: the first step finds in the reused units what a step before it would have left there. */
function loadReusedUnits(kernel: TiledKernel): string {
  const reused = unitsOf(kernel).filter(({ distance }) => isReused(kernel, distance));
  return reused.map((unit) => loadUnit(kernel, unit, "0")).join("\n    ");
}

/** In a step: the units that it has not from the step before. */
function loadUnits(kernel: TiledKernel): string {
  const fresh = unitsOf(kernel).filter(({ distance }) => !isReused(kernel, distance));
  return fresh.map((unit) => loadUnit(kernel, unit, "x0")).join("\n      ");
}

/** At a step's end: moves the reused units on. */
function moveReusedUnits(kernel: TiledKernel): string {
  const reused = unitsOf(kernel).filter(({ distance }) => isReused(kernel, distance));
  const next = (unit: Unit) => ({ ...unit, distance: unit.distance + kernel.window.step });
  return reused.map((unit) => `${unitName(unit)} = ${unitName(next(unit))};`).join(" ");
}

/** Loads the columns of dY; where there are several outputs, a vector is four of them at a column. */
function loadOutputs({ tile, singleOutput }: TiledKernel): string {
  const load = (k: number, v: number) => `let dy${k}_${v} = loadDy(line${k}Dy, ox + ${4 * v}u);`;
  const vector = (q: number, column: number) => {
    const elements = range(4, 4 * q).map((k) => `dy${k}_${column >> 2}[${column & 3}]`);
    return `let d${q}_${column} = ${vec4(elements)};`;
  };
  const loads = range(tile.outputs).flatMap((k) => range(tile.vectors).map((v) => load(k, v))).join(" ");
  if (singleOutput) return loads;
  const vectors = range(tile.outputs / 4).flatMap((q) => range(4 * tile.vectors).map((column) => vector(q, column)));
  return `${loads}\n      ${vectors.join(" ")}`;
}

/** A vector of sums: of four outputs of the tile, an input of the tile, and a tap. */
interface Sum {
  readonly quad: number;
  readonly input: number;
  readonly tap: number;
}

function sumsOf({ tile, taps }: TiledKernel): Sum[] {
  const sums: Sum[] = [];
  for (const quad of range(Math.ceil(tile.outputs / 4))) {
    for (const input of range(tile.inputs)) {
      for (const tap of range(taps)) sums.push({ quad, input, tap });
    }
  }
  return sums;
}

function sumName({ quad, input, tap }: Sum): string {
  return `sum${quad}_${input}_${tap}`;
}

/** Adds the products of a step: input by input, tap by tap. */
function addProducts(kernel: TiledKernel): string {
  const { tile, taps, singleOutput } = kernel, add = singleOutput ? addColumns : addOutputs;
  return range(tile.inputs).flatMap((input) => range(taps).map((tap) => add(kernel, input, tap))).join("\n      ");
}

/** The element of the input that a column of the step meets at a tap. */
function elementOf(kernel: TiledKernel, input: number, tap: number, column: number): string {
  const { problem: { kernelWidth, stride, padding, dilation }, window: { size } } = kernel;
  const x = column * stride[1] + tap % kernelWidth * dilation[1] - padding[1], distance = Math.floor(x / size);
  if (!isLoaded(kernel, distance)) return "0.0";
  const unit = unitName({ input, row: Math.floor(tap / kernelWidth), distance });
  return size === 1 ? unit : `${unit}[${x - 4 * distance}]`;
}

/** The products of one output: four columns at a time. */
function addColumns(kernel: TiledKernel, input: number, tap: number): string {
  const sum = sumName({ quad: 0, input, tap });
  const add = (v: number) => {
    const elements = range(4, 4 * v).map((column) => elementOf(kernel, input, tap, column));
    return `${sum} = fma(dy0_${v}, ${vec4(elements)}, ${sum});`;
  };
  return range(kernel.tile.vectors).map(add).join(" ");
}

/** The products of several outputs: column by column, four outputs at a time. */
function addOutputs(kernel: TiledKernel, input: number, tap: number): string {
  const { tile } = kernel;
  const add = (column: number) => {
    const updates = range(tile.outputs / 4).map((quad) => {
      const sum = sumName({ quad, input, tap });
      return `${sum} = fma(d${quad}_${column}, v, ${sum});`;
    });
    return `{ let v = vec4<f32>(${elementOf(kernel, input, tap, column)}); ${updates.join(" ")} }`;
  };
  return range(4 * tile.vectors).map(add).join(" ");
}

/** Stores the sums of the channels that are inside. */
function storeSums(kernel: TiledKernel): string {
  const { problem, taps, tile, singleOutput } = kernel, { groupInputs, groupOutputs } = problem;
  const store = (sum: Sum, k: number) => {
    const output = `firstOutput + ${4 * sum.quad + k}u`, input = `firstInput + ${sum.input}u`;
    const total = singleOutput ? `dot(${sumName(sum)}, vec4<f32>(1.0))` : `${sumName(sum)}[${k}]`;
    const index = `((group * ${groupOutputs}u + ${output}) * ${groupInputs}u + ${input}) * ${taps}u + ${sum.tap}u`;
    const conditions = [
      ...(groupOutputs % tile.outputs === 0 ? [] : [`${output} < ${groupOutputs}u`]),
      ...(groupInputs % tile.inputs === 0 ? [] : [`${input} < ${groupInputs}u`]),
    ];
    const target = `partial[part * ${weightSize(problem)}u + ${index}] = ${total};`;
    return conditions.length === 0 ? target : `if (${conditions.join(" && ")}) { ${target} }`;
  };
  const outputs = range(Math.min(4, tile.outputs));
  return sumsOf(kernel).flatMap((sum) => outputs.map((k) => store(sum, k))).join("\n  ");
}

/** `loadX(line, inside, column)`: a unit of a line of the input; what lies outside is zero. */
function loadXWgsl({ problem: { width }, window: { size }, tile: { viaTexture } }: TiledKernel): string {
  const [type, zero] = size === 4 ? ["vec4<f32>", "vec4<f32>()"] : ["f32", "0.0"];
  const element = `line + u32(clamp(column, 0, ${width - size}))`, index = size === 4 ? `(${element}) / 4u` : element;
  const unit = viaTexture ? `x(${index})` : `x[${index}]`;
  return `fn loadX(line: u32, inside: bool, column: i32) -> ${type} {
  return select(${zero}, ${unit}, inside && column >= 0 && column < ${width});
}`;
}

/** `loadDy(line, x)`: four adjacent columns of dY; beyond the line's end they are zero. */
function loadDyWgsl({ problem: { outputWidth }, tile: { viaTexture } }: TiledKernel): string {
  const element = (c: number) =>
    `select(0.0, dy[line + min(x + ${c}u, ${outputWidth - 1}u)], x + ${c}u < ${outputWidth}u)`;
  const vector = () => {
    if (viaTexture) return "dy((line + x) / 4u)";
    return outputWidth % 4 === 0 ? "dy[(line + x) / 4u]" : vec4(range(4).map(element));
  };
  return `fn loadDy(line: u32, x: u32) -> vec4<f32> {
  return ${vector()};
}`;
}
