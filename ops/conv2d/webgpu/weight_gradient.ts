/**
 * The WebGPU kernel of a convolution's weight gradient. A thread sums a few output channels and all taps of one input
 * channel over a part of the output rows of all images; a second pass adds the parts in a fixed order, so that runs repeat to the bit.
 */

import {
  f32,
  lazyVariant,
  linearWorkgroups,
  type MarkedVariant,
  preferIf,
  type WebGpuLimits,
} from "../../../core/mod.ts";
import { expectIterations, fitsWorkgroup, WORKGROUP_TILE_64x64x16 } from "../../../kernels/mod.ts";
import { type ConvolutionProblem, isWorthPacking } from "../problem.ts";
import { implicitWeightVariant, joinPartsPass } from "./implicit_gemm.ts";
import { weightProductVariants } from "./weight_gradient_gemm.ts";
import { iterationsOfLine, partialSumsPass, threadsOfPart, type WeightTile } from "./weight_gradient_tiled.ts";

/** Threads that keep a device busy; the rows are split into parts until there are about so many. */
const HARDWARE_THREADS = 8192, SOFTWARE_THREADS = 1024;
/** Loop iterations of a thread above which there are more parts than it takes to keep the device busy. */
const WANTED_ITERATIONS = 32_768;
/** Workgroups that keep a GPU busy. */
const HARDWARE_BLOCKS = 256;
const MAX_WORKSPACE_ELEMENTS = 8 * 1024 * 1024;
/** Kernels of at most so many taps are summed by one thread; larger ones by a thread a tap. */
const MAX_TAPS_A_THREAD = 9;

/** The most sums of a thread: with four times as many lavapipe is a tenth faster, and compiles five times as long. */
const MAX_SUMS = 80;
/** Tiles of output and input channels, the largest first. */
const TILES: readonly (readonly [number, number])[] = [[8, 8], [8, 4], [4, 4], [4, 2], [4, 1]];
/** The same where images are read through textures. */
const TEXEL_TILES: typeof TILES = [[8, 8], [8, 4], [8, 2], [8, 1], [4, 1]];
/** Multiplications of vectors in the loop of such a tile: of more, its code is larger than a processor's fastest cache. */
const MAX_TEXEL_PRODUCTS = 320;

/** The variants of a weight gradient. Inputs: x, dy. The first takes any shape. */
export function weightGradientVariants(g: ConvolutionProblem, limits: WebGpuLimits): MarkedVariant[] {
  const variants = [...new Set([Math.min(4, g.groupOutputs), 1])].map((tile) => plainVariant(g, limits, tile));
  const taps = g.kernelHeight * g.kernelWidth;
  if (taps > MAX_SUMS) return variants;
  const texels = limits.software && gradientTexels(g) <= limits.maxTexels;
  if (texels) variants.push(preferIf(tiledVariant(g, limits, fitTexelTile(g)), true));
  if (limits.software) {
    variants.push(...weightProductVariants(g, limits).map((variant) => preferIf(variant, isWorthPacking(g))));
  }
  variants.push(preferIf(tiledVariant(g, limits, fitTile(g)), limits.software || !suitsImplicitWeight(g)));
  if (suitsImplicitWeight(g) && fitsWorkgroup(WORKGROUP_TILE_64x64x16, limits)) {
    const blocks = Math.ceil(g.groupOutputs / 64) * Math.ceil(g.groupInputs * taps / 64);
    const lines = Math.floor(MAX_WORKSPACE_ELEMENTS / (g.groupOutputs * g.groupInputs * taps));
    const parts = Math.min(Math.ceil(HARDWARE_BLOCKS / blocks), lines);
    variants.push(preferIf(implicitWeightVariant(g, limits, parts), !limits.software));
  }
  return variants;
}

/** Whether the gradient fills blocks of a matrix product about well. */
function suitsImplicitWeight(g: ConvolutionProblem): boolean {
  return g.groups === 1 && g.groupOutputs >= 16 && g.groupInputs * g.kernelHeight * g.kernelWidth >= 16;
}

/** The largest tile that has no more sums and is not much larger than the weights. */
function fitTile(g: ConvolutionProblem, tiles: typeof TILES = TILES): WeightTile {
  const taps = g.kernelHeight * g.kernelWidth;
  const fitted = tiles.map(([outputs, inputs]) => ({
    outputs: g.groupOutputs === 1 ? 1 : Math.min(outputs, 4 * Math.ceil(g.groupOutputs / 4)),
    inputs: Math.min(inputs, g.groupInputs),
  }));
  return fitted.find(({ outputs, inputs }) => outputs * inputs * taps <= MAX_SUMS) ?? fitted[fitted.length - 1];
}

/** The vectors of four elements of the larger image; infinite where lines are not whole vectors. */
function gradientTexels(g: ConvolutionProblem): number {
  const x = g.groupInputs * g.height * g.width, dy = g.groupOutputs * g.outputHeight * g.outputWidth;
  return g.width % 4 === 0 && g.outputWidth % 4 === 0 ? g.batch * g.groups * Math.max(x, dy) / 4 : Infinity;
}

/** The tile for images that are read through textures: best a line at a time, whose ends are known. */
function fitTexelTile(g: ConvolutionProblem): WeightTile {
  const tile = fitTile(g, TEXEL_TILES), line = g.outputWidth / 4;
  const fits = (vectors: number) =>
    tile.outputs * tile.inputs * g.kernelHeight * g.kernelWidth * vectors <= MAX_TEXEL_PRODUCTS;
  return { ...tile, vectors: fits(line) ? line : line % 2 === 0 && fits(2) ? 2 : 1, texels: true };
}

/** Into how many parts the lines of all outputs are split, given what a part and a line take. */
function partsOf(g: ConvolutionProblem, threads: number, lineIterations: number, wanted: number, most: number): number {
  const taps = g.kernelHeight * g.kernelWidth, size = g.groups * g.groupOutputs * g.groupInputs * taps;
  const lines = g.batch * g.outputHeight;
  const least = Math.ceil(lines / Math.max(1, Math.floor(WANTED_ITERATIONS / lineIterations)));
  const busy = Math.min(Math.ceil(wanted / threads), Math.floor(MAX_WORKSPACE_ELEMENTS / size), most);
  const parts = Math.min(lines, Math.max(1, least, busy));
  expectIterations("conv2dWeightGradient", Math.ceil(lines / parts) * lineIterations);
  return parts;
}

function tiledVariant(g: ConvolutionProblem, limits: WebGpuLimits, tile: WeightTile): MarkedVariant {
  const size = g.groups * g.groupOutputs * g.groupInputs * g.kernelHeight * g.kernelWidth;
  const wanted = limits.software ? SOFTWARE_THREADS : HARDWARE_THREADS;
  const parts = partsOf(g, threadsOfPart(g, tile), iterationsOfLine(g, tile), wanted, g.batch * g.outputHeight);
  const name = `tiled ${tile.outputs}x${tile.inputs}${tile.texels ? `x${4 * (tile.vectors ?? 1)}, texels` : ""}`;
  if (parts === 1) return lazyVariant({ name }, () => [partialSumsPass(g, limits, tile, 1, 2)]);
  return lazyVariant(
    { name, workspace: [f32([parts, size])] },
    () => [partialSumsPass(g, limits, tile, parts, 3), joinPartsPass(size, parts, limits)],
  );
}

function plainVariant(g: ConvolutionProblem, limits: WebGpuLimits, tile: number): MarkedVariant {
  const taps = g.kernelHeight * g.kernelWidth, size = g.groups * g.groupOutputs * g.groupInputs * taps;
  const whole = taps <= MAX_TAPS_A_THREAD;
  const perPart = g.groups * Math.ceil(g.groupOutputs / tile) * g.groupInputs * (whole ? 1 : taps);
  const parts = partsOf(g, perPart, g.outputWidth + 1, HARDWARE_THREADS, g.batch), threads = perPart * parts;
  return lazyVariant({ name: `direct ${tile} outputs`, workspace: [f32([parts, size])] }, () => [{
    wgsl: partialWgsl(g, tile, whole, parts, threads),
    bindings: [{ name: "x", index: 0 }, { name: "dy", index: 1 }, { name: "partial", index: 3, write: true }],
    workgroups: linearWorkgroups(threads, limits),
  }, joinPartsPass(size, parts, limits)]);
}

function partialWgsl(g: ConvolutionProblem, tile: number, whole: boolean, parts: number, threads: number): string {
  const taps = g.kernelHeight * g.kernelWidth, size = g.groups * g.groupOutputs * g.groupInputs * taps;
  const tileCount = Math.ceil(g.groupOutputs / tile);
  const outputs = [...Array(tile).keys()], ragged = g.groupOutputs % tile !== 0;
  const tapList = whole ? [...Array(taps).keys()] : [0];
  const row = (tap: number) => whole ? `${Math.floor(tap / g.kernelWidth)}u` : `tap / ${g.kernelWidth}u`;
  const column = (tap: number) => whole ? `${tap % g.kernelWidth}u` : `tap % ${g.kernelWidth}u`;
  const output = (k: number) => ragged ? `min(firstOutput + ${k}u, ${g.groupOutputs - 1}u)` : `firstOutput + ${k}u`;
  const index = (k: number, tap: number) =>
    `((group * ${g.groupOutputs}u + firstOutput + ${k}u) * ${g.groupInputs}u + c) * ${taps}u + ${
      whole ? `${tap}u` : "tap"
    }`;
  const rowsUsed = whole ? [...Array(g.kernelHeight).keys()] : [0];
  const positions = g.outputHeight * g.outputWidth;
  const lines = g.batch * g.outputHeight, share = Math.ceil(lines / parts);
  return `fn load(line: u32, inside: bool, column: i32) -> f32 {
  return select(0.0, x[line + u32(clamp(column, 0, ${g.width - 1}))], inside && column >= 0 && column < ${g.width});
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  var thread = id.y * (groups.x * 64u) + id.x;
  if (thread >= ${threads}u) { return; }
  ${whole ? "" : `let tap = thread % ${taps}u; thread /= ${taps}u;`}
  let c = thread % ${g.groupInputs}u; thread /= ${g.groupInputs}u;
  let firstOutput = (thread % ${tileCount}u) * ${tile}u; thread /= ${tileCount}u;
  let group = thread % ${g.groups}u;
  let part = thread / ${g.groups}u;
  ${outputs.flatMap((k) => tapList.map((tap) => `var sum${k}_${tap} = 0.0;`)).join(" ")}
  let end = min((part + 1u) * ${share}u, ${lines}u);
  for (var line = part * ${share}u; line < end; line++) {
    let image = line / ${g.outputHeight}u;
    let oy = line % ${g.outputHeight}u;
    let source = ((image * ${g.groups}u + group) * ${g.groupInputs}u + c) * ${g.height * g.width}u;
    ${
    outputs.map((k) =>
      `let d${k} = ((image * ${g.groups}u + group) * ${g.groupOutputs}u + ${output(k)}) * ${positions}u;`
    ).join("\n    ")
  }
      ${
    rowsUsed.map((i) => {
      const tap = i * g.kernelWidth;
      return `let t${i} = i32(oy * ${g.stride[0]}u + ${row(tap)} * ${g.dilation[0]}u) - ${g.padding[0]};
      let inside${i} = t${i} >= 0 && t${i} < ${g.height};
      let line${i} = source + u32(clamp(t${i}, 0, ${g.height - 1})) * ${g.width}u;`;
    }).join("\n      ")
  }
      for (var ox = 0u; ox < ${g.outputWidth}u; ox++) {
        let position = oy * ${g.outputWidth}u + ox;
        ${outputs.map((k) => `let g${k} = dy[d${k} + position];`).join(" ")}
        ${
    tapList.map((tap) => {
      const i = whole ? Math.floor(tap / g.kernelWidth) : 0;
      return `{ let v = load(line${i}, inside${i}, i32(ox * ${g.stride[1]}u + ${column(tap)} * ${g.dilation[1]}u) - ${
        g.padding[1]
      }); ${outputs.map((k) => `sum${k}_${tap} += g${k} * v;`).join(" ")} }`;
    }).join("\n        ")
  }
      }
  }
  ${
    outputs.map((k) => {
      const stores = tapList.map((tap) => `partial[part * ${size}u + ${index(k, tap)}] = sum${k}_${tap};`).join("\n  ");
      return ragged ? `if (firstOutput + ${k}u < ${g.groupOutputs}u) {\n  ${stores}\n  }` : stores;
    }).join("\n  ")
  }
}`;
}
