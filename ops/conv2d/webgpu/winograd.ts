/**
 * 3x3 convolutions of stride 1 and their input gradients on WebGPU by Winograd's minimal filtering. The inputs of a tile of
 * outputs are transformed, and so are the weights; products of the two, a matrix product over the channels for each point
 * of a tile, are transformed back. An input gradient is the convolution of the output's by the kernels turned around.
 *
 * A vector of four holds the same point of the four tiles of a block. What lies between the passes is kept for as many
 * images at a time as fit into a bounded workspace.
 */

import {
  elementKernel,
  elementwise,
  f32,
  lazyVariant,
  linearWorkgroups,
  type MarkedVariant,
  preferIf,
  u32,
  type WebGpuKernel,
  type WebGpuLimits,
} from "../../../core/mod.ts";
import {
  fitsWorkgroup,
  packedGemmKernel,
  registerTile,
  WORKGROUP_TILE_64x64x16,
  workgroupGemmKernel,
} from "../../../kernels/mod.ts";
import { sourceLoads } from "./direct_source.ts";
import type { Direction } from "./direct.ts";
import { epilogueWgsl, type ForwardOperands, operandBindings } from "./epilogue.ts";
import type { ConvolutionProblem } from "../problem.ts";
import { transformWgsl, type WinogradTile } from "./winograd_transforms.ts";

/** Bytes of the transforms of the images that are done together, where one image does not take more. */
const WORKSPACE_BYTES = 24 * 2 ** 20;
/** Multiplications of a direct convolution, below which more dispatches cost more than they save. */
const SMALL_CONVOLUTION = 16_000_000;
/** Bytes of transformed weights, above which they are not worth their memory. */
const MOST_WEIGHT_BYTES = 16 * 2 ** 20;
/** How much larger than the result its tiles may be. */
const MOST_FILLED_UP = 1.8;

/** Where the products are computed, and whether their factors are read through textures. */
type Products = "registers" | "registers, texels" | "workgroup memory";

/** All that the text of the kernels depends on. Shapes are [rows, columns]. */
interface Kernel {
  readonly forward: boolean;
  readonly tile: WinogradTile;
  /** Products of a tile. */
  readonly points: number;
  readonly batch: number;
  readonly sources: number;
  readonly channels: number;
  readonly sourceSize: readonly number[];
  readonly resultSize: readonly number[];
  readonly padding: readonly number[];
  /** Tiles of a block: four in all. */
  readonly block: readonly [number, number];
  /** Blocks of an image. */
  readonly blocks: readonly [number, number];
  /** Images that are done together, and how often. */
  readonly images: number;
  readonly turns: number;
  /** Vectors of tiles of these images, and at times an empty one. */
  readonly columns: number;
  /** Channels of a panel of transformed weights. */
  readonly rows: number;
  /** The first number of the workspace: transformed weights, transformed inputs, products, whose turn it is. */
  readonly workspace: number;
}

/** Whether the method applies. */
export function canWinograd(g: ConvolutionProblem): boolean {
  return g.groups === 1 && g.kernelHeight === 3 && g.kernelWidth === 3 &&
    [...g.stride, ...g.dilation].every((extent) => extent === 1);
}

/**
 * The variants for tiles of 4x4 and 2x2 outputs; those whose workspace the device cannot bind are left out.
 *
 * @param leastChannels The channels, of the source and of the result, from which on the transforms cost less than they save
 * beside the other variants on a software adapter.
 */
export function winogradVariants(
  g: ConvolutionProblem,
  limits: WebGpuLimits,
  direction: Direction,
  operands: ForwardOperands,
  leastChannels: number,
): MarkedVariant[] {
  const places: Products[] = limits.software ? ["registers, texels", "registers"] : [];
  if (fitsWorkgroup(WORKGROUP_TILE_64x64x16, limits)) places.push("workgroup memory");
  return places.flatMap((products) =>
    ([4, 2] as const).map((tile) => kernelOf(g, direction, operands, tile, products))
      .filter((kernel) => largestBuffer(kernel) <= limits.maxStorageBufferBindingSize)
      .filter((kernel) => products !== "registers, texels" || largestBuffer(kernel) <= 16 * limits.maxTexels)
      .map((kernel) =>
        preferIf(
          variantOf(kernel, limits, operands, products),
          products !== "workgroup memory" && isWorthwhile(kernel, leastChannels),
        )
      )
  );
}

function kernelOf(
  g: ConvolutionProblem,
  direction: Direction,
  operands: ForwardOperands,
  tile: WinogradTile,
  products: Products,
): Kernel {
  const forward = direction === "forward", points = (tile + 2) ** 2, { batch } = g;
  const input = [g.height, g.width], output = [g.outputHeight, g.outputWidth];
  const [sources, channels] = forward ? [g.groupInputs, g.groupOutputs] : [g.groupOutputs, g.groupInputs];
  const [sourceSize, resultSize] = forward ? [input, output] : [output, input];
  const { block, blocks } = blocksOf(resultSize, tile);
  const imageBytes = 16 * points * (sources + channels) * blocks[0] * blocks[1];
  const turns = Math.ceil(batch / Math.max(1, Math.floor(WORKSPACE_BYTES / imageBytes))),
    images = Math.ceil(batch / turns);
  // An odd number keeps the rows of a product from meeting in one set of a cache.
  const columns = images * blocks[0] * blocks[1] | 1;
  return {
    forward,
    tile,
    points,
    batch,
    sources,
    channels,
    sourceSize,
    resultSize,
    padding: forward ? g.padding : g.padding.map((pad) => 2 - pad),
    block,
    blocks,
    images,
    turns: Math.ceil(batch / images),
    columns,
    rows: products === "workgroup memory"
      ? 4 * Math.ceil(channels / 4)
      : registerTile({ m: channels, n: 4 * columns, batch: points }).rows,
    workspace: operands.output + 1,
  };
}

/** The shape of blocks, wide ones first, of which the fewest cover the result. Blocks have whole vectors of columns. */
function blocksOf(resultSize: readonly number[], tile: WinogradTile): Pick<Kernel, "block" | "blocks"> {
  const [down, across] = resultSize.map((size) => Math.ceil(size / tile));
  const shapes: [number, number][] = [[1, 4], [2, 2], [4, 1]];
  return shapes.filter(([, wide]) => wide * tile % 4 === 0).map((block) => ({
    block,
    blocks: [Math.ceil(down / block[0]), Math.ceil(across / block[1])] as [number, number],
  })).reduce((best, each) => each.blocks[0] * each.blocks[1] < best.blocks[0] * best.blocks[1] ? each : best);
}

function panelsOf({ channels, rows }: Kernel): number {
  return Math.ceil(channels / rows);
}

function largestBuffer(kernel: Kernel): number {
  const { points, sources, channels, columns, rows } = kernel;
  return 4 * points * Math.max(panelsOf(kernel) * rows * sources, Math.max(sources, channels) * columns * 4);
}

function variantOf(
  kernel: Kernel,
  limits: WebGpuLimits,
  operands: ForwardOperands,
  products: Products,
): MarkedVariant {
  const { tile, points, sources, channels, columns, rows, turns } = kernel;
  const workspace = [
    f32([points, panelsOf(kernel), sources, rows]),
    f32([points, sources, columns, 4]),
    f32([points, channels, columns, 4]),
    ...(turns > 1 ? [u32([2])] : []),
  ];
  return lazyVariant({ name: `winograd ${tile}x${tile} in ${products}`, workspace, transient: [1, 2] }, () => {
    const turn = [
      inputPass(kernel, limits),
      products === "workgroup memory"
        ? workgroupProductPass(kernel, limits)
        : registerProductPass(kernel, limits, products === "registers, texels"),
      outputPass(kernel, limits, operands),
    ];
    return [weightPass(kernel, limits), ...Array(turns).fill(turn).flat()];
  });
}

/** Whether the transforms are expected to cost less than they save. */
function isWorthwhile(kernel: Kernel, leastChannels: number): boolean {
  const { tile, points, batch, sources, channels, rows, resultSize, blocks } = kernel;
  const positions = resultSize[0] * resultSize[1], covered = 4 * blocks[0] * blocks[1] * tile ** 2;
  return Math.min(sources, channels) >= leastChannels && covered <= MOST_FILLED_UP * positions &&
    9 * batch * positions * sources * channels >= SMALL_CONVOLUTION &&
    4 * points * panelsOf(kernel) * rows * sources <= MOST_WEIGHT_BYTES;
}

function range(count: number): number[] {
  return [...Array(count).keys()];
}

/** Names of the elements of a square. */
function square(size: number, name: string): string[][] {
  return range(size).map((r) => range(size).map((c) => `${name}${r}_${c}`));
}

/**
 * Transforms the weights to [point, panel, source, channel of the panel], four channels a thread; channels beyond the last
 * repeat it.
 */
function weightPass(kernel: Kernel, limits: WebGpuLimits): WebGpuKernel {
  const { forward, tile, sources, channels, rows, workspace } = kernel, quads = rows / 4;
  const count = panelsOf(kernel) * sources * quads, taps = square(3, "g");
  const place = (k: string) => forward ? `(${k} * ${sources}u + s) * 9u` : `(s * ${channels}u + ${k}) * 9u`;
  const rowOf = (c: number) => `let row${c} = ${place(`min(k + ${c}u, ${channels - 1}u)`)};`;
  const loads = taps.flatMap((line, r) =>
    line.map((name, c) => {
      const tap = forward ? 3 * r + c : 8 - 3 * r - c;
      return `let ${name} = vec4<f32>(${range(4).map((k) => `weight[row${k} + ${tap}u]`).join(", ")});`;
    })
  );
  const stores = square(tile + 2, "u").flat().map((name, point) => `transformed[${point * count}u + i] = ${name};`);
  return elementKernel(
    {
      count,
      body: `let k = i / ${quads * sources}u * ${rows}u + i % ${quads}u * 4u;
  let s = i / ${quads}u % ${sources}u;
  ${[...range(4).map(rowOf), ...loads, ...transformWgsl("weight", tile, taps, "u"), ...stores].join("\n  ")}`,
    },
    [{ name: "weight", index: 1 }, { name: "transformed", index: workspace, write: true, vector: true }],
    limits,
  );
}

/**
 * WGSL that finds a thread's block among those of the images of this turn: `image`, `firstY` and `firstX` of its outputs,
 * `column` of its tiles, and `channel`. Turns go round: whichever is the first, a step takes each once, so that
 * `turn` need not be set before. Between turns the input's pass hands the number on to the output's.
 */
function placeWgsl(kernel: Kernel, turn: { readonly from: number; readonly to: number; readonly by: number }): string {
  const { tile, batch, block, blocks, images, turns, columns } = kernel, perImage = blocks[0] * blocks[1];
  const lines = [
    `let place = i % ${perImage}u;`,
    `let channel = i / ${perImage * images}u;`,
    `let column = channel * ${columns}u + i % ${perImage * images}u;`,
    `let firstY = place / ${blocks[1]}u * ${block[0] * tile}u;`,
    `let firstX = place % ${blocks[1]}u * ${block[1] * tile}u;`,
  ];
  if (turns === 1) return [...lines, `let image = i / ${perImage}u % ${images}u;`].join("\n  ");
  return [
    ...lines,
    `let now = turn[${turn.from}] % ${turns}u;`,
    `if (i == 0u) { turn[${turn.to}] = now + ${turn.by}u; }`,
    `let image = now * ${images}u + i / ${perImage}u % ${images}u;`,
    ...(batch % images === 0 ? [] : [`if (image >= ${batch}u) { return; }`]),
  ].join("\n  ");
}

function turnBinding({ turns, workspace }: Kernel): WebGpuKernel["bindings"] {
  return turns === 1 ? [] : [{ name: "turn", index: workspace + 3, write: true }];
}

/** Transforms the inputs to [point, source, column], each a vector of tiles. */
function inputPass(kernel: Kernel, limits: WebGpuLimits): WebGpuKernel {
  const { tile, sources, sourceSize, padding, block, blocks, images, columns, workspace } = kernel;
  const [height, width] = sourceSize;
  const count = sources * images * blocks[0] * blocks[1];
  const span = (axis: 0 | 1) => ({ size: sourceSize[axis], last: (blocks[axis] - 1) * block[axis] * tile });
  const loads = sourceLoads(span(0), span(1), false);
  const patch = square(tile + 2, "d");
  const gathers = patch.flatMap((line, r) =>
    line.map((name, c) => {
      const values = range(4).map((t) => {
        const down = Math.floor(t / block[1]), across = t % block[1];
        return loads.value(down * tile + r - padding[0], across * tile + c - padding[1]);
      });
      return `let ${name} = vec4<f32>(${values.join(", ")});`;
    })
  );
  const stores = square(tile + 2, "v").flat().map((name, point) =>
    `transformed[${point * sources * columns}u + column] = ${name};`
  );
  return {
    wgsl: elementwise(
      count,
      `${placeWgsl(kernel, { from: 0, to: 1, by: 0 })}
  let plane = (image * ${sources}u + channel) * ${height * width}u;
  let firstRow = i32(firstY);
  let firstColumn = i32(firstX);
  ${[...loads.statements(), ...gathers, ...transformWgsl("input", tile, patch, "v"), ...stores].join("\n  ")}`,
      loads.functions,
    ),
    bindings: [
      { name: "source", index: 0, vector: width % 4 === 0 },
      { name: "transformed", index: workspace + 1, write: true, vector: true },
      ...turnBinding(kernel),
    ],
    workgroups: linearWorkgroups(count, limits),
  };
}

function registerProductPass(
  { points, sources, channels, columns, workspace }: Kernel,
  limits: WebGpuLimits,
  texels: boolean,
): WebGpuKernel {
  const product = {
    m: channels,
    n: 4 * columns,
    k: sources,
    batch: points,
    buffers: { a: workspace, b: workspace + 1, c: workspace + 2 },
  };
  return packedGemmKernel(product, limits, registerTile(product), texels);
}

/** The products as parts of one, of a depth of all points. */
function workgroupProductPass(
  { points, sources, channels, columns, rows, workspace }: Kernel,
  limits: WebGpuLimits,
): WebGpuKernel {
  const { depth } = WORKGROUP_TILE_64x64x16, padded = depth * Math.ceil(sources / depth);
  return workgroupGemmKernel(
    {
      extents: [channels, 4 * columns, points * padded],
      parts: points,
      functions: `fn loadA(row: u32, k: u32) -> f32 {
  let s = k % ${padded}u;
  let index = (min(k / ${padded}u, ${points - 1}u) * ${sources}u + min(s, ${sources - 1}u)) * ${rows}u;
  return select(0.0, weight[index + min(row, ${channels - 1}u)], s < ${sources}u);
}
fn loadB(k: u32, column: u32) -> vec4<f32> {
  let s = k % ${padded}u;
  let index = (min(k / ${padded}u, ${points - 1}u) * ${sources}u + min(s, ${sources - 1}u)) * ${columns}u;
  return select(vec4<f32>(), source[index + min(column / 4u, ${columns - 1}u)], s < ${sources}u);
}
fn store(point: u32, row: u32, column: u32, value: vec4<f32>) {
  result[(point * ${channels}u + row) * ${columns}u + column / 4u] = value;
}`,
      bindings: [
        { name: "weight", index: workspace },
        { name: "source", index: workspace + 1, vector: true },
        { name: "result", index: workspace + 2, write: true, vector: true },
      ],
    },
    WORKGROUP_TILE_64x64x16,
    limits,
  );
}

/** Transforms the products back, adds the bias, and does what follows. */
function outputPass(kernel: Kernel, limits: WebGpuLimits, operands: ForwardOperands): WebGpuKernel {
  const { tile, channels, resultSize: [height, width], block, blocks, images, columns, workspace } = kernel;
  const count = channels * images * blocks[0] * blocks[1], vector = width % 4 === 0;
  const products = square(tile + 2, "m"), biased = operands.bias !== undefined;
  const loads = products.flat().map((name, point) =>
    `let ${name} = products[${point * channels * columns}u + column];`
  );
  const element = (y: number, x: number) => {
    const t = Math.floor(y / tile) * block[1] + Math.floor(x / tile);
    return `y${y % tile}_${x % tile}[${t}]`;
  };
  const stores = range(block[0] * tile).flatMap((y) =>
    range(block[1] * tile / 4).map((q) => {
      const value = `vec4<f32>(${range(4).map((c) => element(y, 4 * q + c)).join(", ")})${biased ? " + shift" : ""}`;
      return `store(start, firstY + ${y}u, firstX + ${4 * q}u, ${value});`;
    })
  );
  const guard = (column: string) => width % (tile * block[1]) === 0 ? "" : `if (${column} < ${width}u) `;
  const storeVector = vector
    ? `let place = (line + x) / 4u; ${guard("x")}{ result[place] = ${epilogueWgsl(operands, "value", "place", 4)}; }`
    : range(4).map((c) =>
      `${guard(`x + ${c}u`)}{ let place = line + x + ${c}u; result[place] = ${
        epilogueWgsl(operands, `value[${c}]`, "place")
      }; }`
    ).join("\n  ");
  return {
    wgsl: elementwise(
      count,
      `${placeWgsl(kernel, { from: 1, to: 0, by: 1 })}
  let start = (image * ${channels}u + channel) * ${height * width}u;
  ${biased ? "let shift = vec4<f32>(bias[channel]);" : ""}
  ${[...loads, ...transformWgsl("output", tile, products, "y"), ...stores].join("\n  ")}`,
      `fn store(start: u32, y: u32, x: u32, value: vec4<f32>) {
  ${height % (tile * block[0]) === 0 ? "" : `if (y >= ${height}u) { return; }`}
  let line = start + y * ${width}u;
  ${storeVector}
}`,
    ),
    bindings: [
      { name: "products", index: workspace + 2, vector: true },
      ...turnBinding(kernel),
      ...operandBindings(operands, vector),
      { name: "result", index: operands.output, write: true, vector },
    ],
    workgroups: linearWorkgroups(count, limits),
  };
}
