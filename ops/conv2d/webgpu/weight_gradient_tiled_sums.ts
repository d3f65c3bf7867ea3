/**
 * The text of the tiled weight gradient. From buffers, whose loads are slow, what the next columns meet again of the input
 * stays in registers. Through textures there is one flat loop over all columns: lavapipe re-selects every accumulator at each
 * loop's end.
 */

import { indexInTile, range, vec4 } from "../../../kernels/mod.ts";
import { linesOf, weightSize } from "./weight_gradient_parts.ts";
import type { TiledKernel } from "./weight_gradient_tiled.ts";

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

function windowOf({ problem, tile: { vectors } }: TiledKernel): Window {
  const { width, stride, padding, dilation, kernelWidth } = problem, size = width % 4 === 0 ? 4 : 1;
  const least = -padding[1], most = (4 * vectors - 1) * stride[1] + (kernelWidth - 1) * dilation[1] - padding[1];
  return { size, first: Math.floor(least / size), last: Math.floor(most / size), step: 4 * vectors * stride[1] / size };
}

/** The text of the kernel that writes the sums of each part to `partial` [parts, weights]. */
export function partialSumsWgsl(kernel: TiledKernel, workgroup: number): string {
  const { problem, tile, inputTiles, outputTiles, threads } = kernel, { groups, stride } = problem;
  const loop = loopOf(kernel);
  return `${loadXWgsl(kernel)}
${loadDyWgsl(kernel)}
@compute @workgroup_size(${workgroup})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  var thread = id.y * (groups.x * ${workgroup}u) + id.x;
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
    let inside${i} = (y${i} >= 0) & (y${i} < ${height}); let row${i} = u32(clamp(y${i}, 0, ${
      height - 1
    })) * ${width}u;`;
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
  const { problem, tile } = kernel, { first, last } = windowOf(kernel), distances = range(last - first + 1, first);
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
  return tile.viaTexture && segments === 1;
}

/** Where a step takes a whole line, what lies outside of it is zero and never loaded. */
function isLoaded(kernel: TiledKernel, distance: number): boolean {
  const { size } = windowOf(kernel);
  return !isWholeLine(kernel) || (distance >= 0 && distance * size < kernel.problem.width);
}

/** Whether the next step finds the unit among those of this one. */
function isReused(kernel: TiledKernel, distance: number): boolean {
  const { step, last } = windowOf(kernel);
  return !kernel.tile.viaTexture && distance + step <= last;
}

function unitName({ input, row, distance }: Unit): string {
  return `x${input}_${row}_${String(distance).replace("-", "m")}`;
}

function declareUnits(kernel: TiledKernel): string {
  const type = windowOf(kernel).size === 4 ? "vec4<f32>" : "f32";
  return unitsOf(kernel).map((unit) => `var ${unitName(unit)}: ${type};`).join(" ");
}

/** Loads a unit at a distance from the column `at`. */
function loadUnit(kernel: TiledKernel, unit: Unit, at: string): string {
  const { input, row, distance } = unit, column = shifted(at, distance * windowOf(kernel).size);
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
  const next = (unit: Unit) => ({ ...unit, distance: unit.distance + windowOf(kernel).step });
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
  const { kernelWidth, stride, padding, dilation } = kernel.problem, { size } = windowOf(kernel);
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
function loadXWgsl(kernel: TiledKernel): string {
  const { problem: { width }, tile: { viaTexture } } = kernel, { size } = windowOf(kernel);
  const [type, zero] = size === 4 ? ["vec4<f32>", "vec4<f32>()"] : ["f32", "0.0"];
  const element = `line + u32(clamp(column, 0, ${width - size}))`, index = size === 4 ? `(${element}) / 4u` : element;
  const unit = viaTexture ? `x(${index})` : `x[${index}]`;
  return `fn loadX(line: u32, inside: bool, column: i32) -> ${type} {
  return select(${zero}, ${unit}, inside & (column >= 0) & (column < ${width}));
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
