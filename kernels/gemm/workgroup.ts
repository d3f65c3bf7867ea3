/**
 * The workgroup-memory kernel of matrix products on WebGPU, for GPUs: a workgroup computes a block of C = A·B from slices of
 * A and B that it stages in workgroup memory, a thread a tile of the block in registers. What A and B are is up to the
 * caller, so that a convolution, which is a product with a matrix that exists only as indices, is the same kernel.
 *
 * The loop over slices has no division, no loop inside it, and no condition where blocks and slices divide the product:
 * positions are worked out before it.
 */

import { type DeviceLimits, elementKernel, sizeWgsl, type WebGpuKernel } from "../../core/mod.ts";
import { range } from "../text.ts";
import { sumPartsWgsl } from "./split_k.ts";
import { blockHeight, blockWidth, threadsOfTile, type WorkgroupTile } from "./tiles.ts";

/** How an operand is staged: rows of A or columns of B are its *lines*. A thread brings in one or several vectors a slice. */
export interface StagedOperand {
  /** Whether a vector holds four depths of a line, and is turned over on the way; else it holds four lines at a depth. */
  readonly turned: boolean;
  /** Loads that it takes to get a vector: 1, or 4 if they are of scalars. */
  readonly loads: 1 | 4;
  /**
   * WGSL before the loop that works out where the vectors of a unit lie. A unit of an operand that is turned are four lines
   * at four depths; else all that a thread loads is one unit.
   *
   * @param line The first of four adjacent lines, which may be outside.
   * @param depth Where in a slice: the depth, or if the operand is turned, which four depths.
   */
  setup(unit: number, line: string, depth: string): string;
  /**
   * WGSL that loads the vectors of slice `s`: finite values, and zeros beyond the depth.
   *
   * @param step How much deeper than the first vector.
   * @param names The variables that get the vectors: one, or a line each if the operand is turned.
   */
  fetch(unit: number, step: number, names: readonly string[]): string;
  /** WGSL that goes on to the next slice. Defaults to nothing. */
  advance?(unit: number): string;
}

/** Where C goes. */
export interface StagedStore {
  /** WGSL that works out where four adjacent columns lie. */
  position(id: number, column: string): string;
  /** WGSL that stores a row's `value` there, a vector of the four. */
  put(id: number, row: string, value: string): string;
  /** What it binds. */
  readonly bindings: WebGpuKernel["bindings"];
}

/** A product, or several of one size. */
export interface StagedProduct {
  /** Rows and columns. */
  readonly extents: readonly [m: number, n: number];
  /** Slices of the depth: how many, or WGSL of it. */
  readonly slices: number | string;
  /** How many products there are. Defaults to 1. */
  readonly products?: number;
  /** WGSL that works out, of `product`, what the others name. Defaults to nothing. */
  readonly state?: string;
  /** WGSL that works out, of `begin`, where the loop begins. Defaults to nothing. */
  readonly start?: string;
  /** WGSL that goes on to the next slice, ahead of what the operands do. Defaults to nothing. */
  readonly advance?: string;
  /** A. */
  readonly a: StagedOperand;
  /** B. */
  readonly b: StagedOperand;
  /** C. */
  readonly store: StagedStore;
  /** What A and B bind. */
  readonly bindings: WebGpuKernel["bindings"];
}

/**
 * The kernels of a product: one, or where the depth is split into parts two, the second of which adds the parts up in a
 * fixed order.
 *
 * @param partial The index of the buffer of the parts, of {@link partialSize} elements.
 */
export function workgroupGemmKernels(
  product: StagedProduct,
  tile: WorkgroupTile,
  parts: number,
  partial: number,
  limits: DeviceLimits,
): WebGpuKernel[] {
  if (parts === 1) return [stagedKernel(product, product.store, tile, 1, limits)];
  const { extents: [m, n] } = product, quads = Math.ceil(n / 4);
  const store: StagedStore = {
    position: (id, column) =>
      `let at${id} = (product * ${sizeWgsl("parts", parts)} + part) * ${
        sizeWgsl("partial_size", m * quads)
      } + (${column}) / 4u;`,
    put: (id, row, value) => `partial[at${id} + (${row}) * ${sizeWgsl("partial_row", quads)}] = ${value};`,
    bindings: [{ name: "partial", index: partial, write: true, vector: true }],
  };
  return [stagedKernel(product, store, tile, parts, limits), joinKernel(product, parts, partial, limits)];
}

/** Elements of the parts of a product. */
export function partialSize({ extents: [m, n], products = 1 }: StagedProduct, parts: number): number {
  return 4 * Math.ceil(n / 4) * m * products * parts;
}

/** Adds the parts up, the first to the last, and stores their sum. */
function joinKernel(
  { extents: [m, n], products = 1, state = "", store }: StagedProduct,
  parts: number,
  partial: number,
  limits: DeviceLimits,
): WebGpuKernel {
  const quads = Math.ceil(n / 4), size = m * quads;
  return elementKernel(
    {
      count: size * products,
      iterations: parts,
      body: `let product = i / ${size}u;
  ${state}
  let row = i % ${size}u / ${quads}u;
  let column = i % ${quads}u * 4u;
  let first = product * ${parts * size}u + i % ${size}u;
  ${sumPartsWgsl(parts, "first", size)}
  ${store.position(0, "column")}
  ${store.put(0, "row", "sum")}`,
    },
    [{ name: "partial", index: partial, vector: true }, ...store.bindings],
    limits,
  );
}

/** How an operand comes into workgroup memory. */
interface Stage {
  readonly setup: string;
  readonly declare: string;
  readonly fetch: string;
  readonly park: string;
}

/** Threads that an operand keeps busy with a load each: of four lines at four depths if it is turned over, else at one. */
function loadsOf({ turned }: StagedOperand, quads: number, depth: number): number {
  return turned ? quads * depth / 4 : quads * depth;
}

function stageOf({ a, b }: Pick<StagedProduct, "a" | "b">, name: "A" | "B", tile: WorkgroupTile): Stage {
  const operand = name === "A" ? a : b, first = name === "A" ? "firstRow" : "firstColumn";
  const threads = threadsOfTile(tile), { depth } = tile, quadsOfA = blockHeight(tile) / 4;
  const quads = name === "A" ? quadsOfA : blockWidth(tile) / 4;
  const across = operand.turned ? depth / 4 : quads, all = loadsOf(operand, quads, depth);
  // Where A leaves threads enough, B takes those.
  const apart = name === "B" && loadsOf(a, quadsOfA, depth) + all <= threads;
  const lane = apart ? "laneB" : "lane";
  const mine = range(Math.max(1, all / threads)), step = threads / across;
  const guard = all < threads ? `if (${lane} < ${all}u) ` : "";
  const names = mine.map((i) => operand.turned ? range(4).map((j) => `load${name}${i}_${j}`) : [`load${name}${i}`]);
  const units = operand.turned ? mine : [0];
  const setup = units.map((unit) =>
    operand.turned
      ? operand.setup(unit, `${first} + (${lane} / ${across}u + ${unit * step}u) * 4u`, `(${lane} % ${across}u)`)
      : operand.setup(unit, `${first} + ${lane} % ${across}u * 4u`, `(${lane} / ${across}u)`)
  );
  const park = (i: number) => {
    if (!operand.turned) return `slice${name}[park${name} + ${i * step}u][quad${name}] = ${names[i][0]};`;
    return range(4).map((j) =>
      `slice${name}[park${name}][${j}][quad${name} + ${i * step}u] = vec4<f32>(${
        names[i].map((line) => `${line}[${j}]`).join(", ")
      });`
    ).join(" ");
  };
  const fetch = mine.map((i) => operand.turned ? operand.fetch(i, 0, names[i]) : operand.fetch(0, i * step, names[i]));
  const guarded = (lines: readonly string[]) =>
    guard === "" ? lines.join("\n    ") : `${guard}{ ${lines.join("\n    ")} }`;
  return {
    setup: [
      ...(apart ? [`let laneB = (lane + ${all}u) % ${threads}u;`] : []),
      `let park${name} = ${lane} ${operand.turned ? "%" : "/"} ${across}u;`,
      `let quad${name} = ${lane} ${operand.turned ? "/" : "%"} ${across}u;`,
      ...setup,
    ].join("\n  "),
    declare: names.flat().map((each) => `var ${each} = vec4<f32>();`).join(" "),
    fetch: [guarded(fetch), ...units.map((unit) => operand.advance?.(unit) ?? "")].filter((text) => text !== "")
      .join("\n    "),
    park: guarded(mine.map(park)),
  };
}

/**
 * WGSL of the type of a slice: the depths, each its vectors of lines; by fours if it is turned over, when a vector more a depth
 * keeps what a thread writes out of the same banks. Reads name the depth by a constant. So what a runtime does to keep an index
 * inside an array is the same for all depths, and a thread does it once.
 */
function sliceWgsl({ turned }: StagedOperand, quads: number, depth: number): string {
  return turned
    ? `array<array<array<vec4<f32>, ${quads + 1}>, 4>, ${depth / 4}>`
    : `array<array<vec4<f32>, ${quads}>, ${depth}>`;
}

/** WGSL of where the vectors of a depth begin. */
function depthWgsl({ turned }: StagedOperand, k: number): string {
  return turned ? `[${k >> 2}][${k & 3}]` : `[${k}]`;
}

function stagedKernel(
  product: StagedProduct,
  store: StagedStore,
  tile: WorkgroupTile,
  parts: number,
  limits: DeviceLimits,
): WebGpuKernel {
  const { extents: [m, n], products = 1, state = "", start = "", slices, bindings } = product;
  const { threads: [, across], prefetch } = tile, threads = threadsOfTile(tile);
  const height = blockHeight(tile), width = blockWidth(tile);
  const down = Math.ceil(m / height), wide = Math.ceil(n / width), blocks = down * wide * parts * products;
  const ofParts = parts === 1 ? "1u" : sizeWgsl("parts", parts);
  const x = Math.min(blocks, limits.maxComputeWorkgroupsPerDimension);
  const a = stageOf(product, "A", tile), b = stageOf(product, "B", tile);
  const next = [a.fetch, b.fetch, product.advance ?? ""].filter((text) => text !== "").join("\n    ");
  const begin = parts === 1
    ? `let begin = 0u;
  let end = ${u32(slices)};`
    : `let share = (${u32(slices)} + ${sizeWgsl("parts_less_one", parts - 1)}) / ${sizeWgsl("parts", parts)};
  let begin = part * share;
  let end = min(begin + share, ${u32(slices)});`;
  const loop = prefetch
    ? `${a.declare} ${b.declare}
  var s = begin;
  if (s < end) {
    ${next}
  }
  while (s < end) {
    ${a.park}
    ${b.park}
    workgroupBarrier();
    s++;
    if (s < end) {
    ${next}
    }
    ${multiply(tile, product)}
    workgroupBarrier();
  }`
    : `for (var s = begin; s < end; s++) {
    ${a.declare} ${b.declare}
    ${next}
    ${a.park}
    ${b.park}
    workgroupBarrier();
    ${multiply(tile, product)}
    workgroupBarrier();
  }`;
  return {
    wgsl: `var<workgroup> sliceA: ${sliceWgsl(product.a, height / 4, tile.depth)};
var<workgroup> sliceB: ${sliceWgsl(product.b, width / 4, tile.depth)};
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  var block = id.y * groups.x + id.x;
  if (block >= ${sizeWgsl("blocks", blocks)}) { return; }
  let firstRow = block % ${sizeWgsl("blocks_down", down)} * ${height}u; block /= ${sizeWgsl("blocks_down", down)};
  let firstColumn = block % ${sizeWgsl("blocks_across", wide)} * ${width}u; block /= ${sizeWgsl("blocks_across", wide)};
  let part = block % ${ofParts};
  let product = block / ${ofParts};
  let down = lane / ${across}u;
  let across = lane % ${across}u;
  ${state}
  ${begin}
  ${a.setup}
  ${b.setup}
  ${start}
  ${declareSums(tile)}
  ${loop}
  {
  ${storeSums(product, store, tile)}
  }
}`,
    bindings: [...bindings, ...store.bindings],
    workgroups: [x, Math.ceil(blocks / x), 1],
  };
}

function u32(value: number | string): string {
  return typeof value === "number" ? sizeWgsl("slices", value) : value;
}

function declareSums({ rows, vectors }: WorkgroupTile): string {
  return range(rows).map((r) => range(vectors).map((v) => `var sum${r}_${v} = vec4<f32>();`).join(" ")).join("\n  ");
}

/**
 * Adds the products of a slice to the sums. A thread's vectors are as far apart as there are threads: adjacent threads load
 * adjacent vectors.
 */
function multiply(
  { threads: [down, across], rows, vectors, depth }: WorkgroupTile,
  { a: left, b: right }: Pick<StagedProduct, "a" | "b">,
): string {
  const row = (r: number) =>
    range(vectors).map((v) => `sum${r}_${v} = fma(vec4<f32>(a${r >> 2}[${r & 3}]), b${v}, sum${r}_${v});`).join(" ");
  return range(depth).map((k) => {
    const a = range(rows / 4).map((q) => `let a${q} = sliceA${depthWgsl(left, k)}[down + ${q * down}u];`);
    const b = range(vectors).map((v) => `let b${v} = sliceB${depthWgsl(right, k)}[across + ${v * across}u];`);
    return `{ ${[...a, ...b].join(" ")}
      ${range(rows).map(row).join("\n      ")} }`;
  }).join("\n    ");
}

/** Stores what is inside. */
function storeSums({ extents: [m, n] }: StagedProduct, store: StagedStore, tile: WorkgroupTile): string {
  const { threads: [down, across], rows, vectors } = tile;
  const checksRows = m % blockHeight(tile) !== 0, checksColumns = n % blockWidth(tile) !== 0;
  const put = (r: number, v: number) => {
    const row = `ownRow + ${(r >> 2) * down * 4 + (r & 3)}u`, text = store.put(v, row, `sum${r}_${v}`);
    return checksRows ? `if (${row} < ${sizeWgsl("rows", m)}) { ${text} }` : `{ ${text} }`;
  };
  return `let ownRow = firstRow + down * 4u;
  ${
    range(vectors).map((v) =>
      `let column${v} = firstColumn + (across + ${v * across}u) * 4u;
  ${checksColumns ? `if (column${v} < ${sizeWgsl("columns", n)}) ` : ""}{
    ${store.position(v, `column${v}`)}
    ${range(rows).map((r) => put(r, v)).join("\n    ")}
  }`
    ).join("\n  ")
  }`;
}
