/**
 * Matrix products on WebGPU, C = A·B, of all strides and sizes, also of many B by one A. The register kernel is for adapters
 * whose loads are slow beside arithmetic: a thread computes a tile of C, adjacent threads adjacent columns. A is packed by
 * a first kernel into panels of the tile's rows, depth by depth, and B into whole vectors unless it has them.
 */

import {
  elementKernel,
  f32,
  lazyVariant,
  linearWorkgroups,
  type MarkedVariant,
  preferIf,
  type WebGpuKernel,
  type WebGpuLimits,
} from "../../core/mod.ts";
import type { Gemm } from "./cpu.ts";
import { fitsWorkgroup, WORKGROUP_TILE_64x64x16, workgroupGemmKernel } from "./workgroup.ts";

/** A product, or several with the same A. */
export interface WgslGemm extends Omit<Gemm, "bias"> {
  /** How many B and C there are, each following the one before; 1 unless given. */
  readonly batch?: number;
  /** The numbers of the buffers of A, B and C. The workspace begins behind the last of all. */
  readonly buffers: { readonly a: number; readonly b: number; readonly c: number };
  /** The bias: its buffer, and whether C's rows or columns have one each. */
  readonly bias?: { readonly buffer: number; readonly of: "row" | "column" };
  /** WGSL of what is stored, given the expressions of a finished value, its place and its size; the value unless given. */
  readonly finish?: (value: string, place: string, size: 1 | 4) => string;
  /** The buffers that `finish` names; bound as vectors where C is. */
  readonly finishBindings?: (vector: boolean) => WebGpuKernel["bindings"];
}

/** The register tile of a thread: rows, a multiple of four, and vectors of four columns. */
export interface RegisterTile {
  readonly rows: number;
  readonly vectors: number;
}

/** Tiles from the fastest on lavapipe to those that keep small products in many threads. */
const REGISTER_TILES: readonly RegisterTile[] = [{ rows: 16, vectors: 4 }, { rows: 8, vectors: 2 }, {
  rows: 4,
  vectors: 1,
}];
/**
 * Threads of a workgroup of the register kernel: the lanes of a processor's vectors. Workgroups that follow each other take
 * the same columns, so that a cache keeps what they read of B.
 */
const LANES = 8;
/** The least threads of a product that has as many. */
const WANTED_THREADS = 256;

/** Multiplications of a product below which another dispatch costs more than it saves. */
const SMALL_PRODUCT = 1_000_000;

/** Products of which each has an A of its own, or some adjacent ones share one, packed by the caller: A_i·B_i = C_i. */
export interface PackedGemm {
  /** Rows and columns of C; the columns are whole vectors of four. */
  readonly m: number;
  readonly n: number;
  /** The depth. */
  readonly k: number;
  /** How many products there are. */
  readonly batch: number;
  /** The numbers of the buffers of A [batch / sharing, ceil(m / rows), k, rows], B [batch, k, n] and C [batch, m, n]. */
  readonly buffers: { readonly a: number; readonly b: number; readonly c: number };
  /** How many adjacent products share an A; 1 unless given. */
  readonly sharing?: number;
  /** The body of a WGSL function of `matrix` and `depth`: before which element of B that row starts, if not as above. */
  readonly rowOfB?: string;
}

/** The register tile that suits products. */
export function registerTile({ m, n, batch = 1 }: Pick<WgslGemm, "m" | "n" | "batch">): RegisterTile {
  const fitted = REGISTER_TILES.map((tile) => fitTile({ m, n }, tile));
  const threads = ({ rows, vectors }: RegisterTile) => Math.ceil(m / rows) * Math.ceil(n / (4 * vectors)) * batch;
  return fitted.find((each) => threads(each) >= WANTED_THREADS) ?? fitted[fitted.length - 1];
}

/** The register kernel of products with packed A; `texels` has A and B read through textures. */
export function packedGemmKernel(
  product: PackedGemm,
  limits: WebGpuLimits,
  tile: RegisterTile,
  texels: boolean,
): WebGpuKernel {
  const { n, k, buffers, sharing = 1, rowOfB = rowOfMatrix(k * n, n) } = product;
  const source = { index: buffers.b, row: rowOfB, vector: true, texels };
  return registerKernel({ ...product, a: [k, 1], b: [n, 1] }, limits, tile, source, buffers.a, `matrix / ${sharing}u`);
}

/** The body of the function that finds a row of B, given how many elements are between matrices and between rows. */
function rowOfMatrix(matrix: number, row: number): string {
  return `return matrix * ${matrix}u + depth * ${row}u;`;
}

/** The variants of a product. For a small one none is preferred, since what they pack first costs a dispatch each. */
export function gemmVariants(product: WgslGemm, limits: WebGpuLimits): MarkedVariant[] {
  const { m, n, k, batch = 1 } = product;
  const tile = registerTile(product);
  const large = limits.software && m * n * k * batch >= SMALL_PRODUCT;
  const texels = limits.software && texelsOf(product, tile) <= limits.maxTexels;
  const variants = [preferIf(registerVariant(product, limits, tile, false), large && !texels)];
  if (texels) variants.push(preferIf(registerVariant(product, limits, tile, true), large));
  if (fitsWorkgroup(WORKGROUP_TILE_64x64x16, limits)) {
    // A block is worth its memory if it is about full.
    variants.push(preferIf(sharedVariant(product, limits), !limits.software && m >= 32 && n >= 32 && k >= 16));
  }
  return variants;
}

/** A tile that divides C into as many tiles, but with less beyond the edges. */
function fitTile({ m, n }: Pick<WgslGemm, "m" | "n">, tile: RegisterTile): RegisterTile {
  const even = (size: number, most: number) => Math.ceil(size / Math.ceil(size / most) / 4) * 4;
  return { rows: even(m, tile.rows), vectors: even(n, 4 * tile.vectors) / 4 };
}

function range(count: number): number[] {
  return [...Array(count).keys()];
}

/** The first number behind all buffers of the op. */
function workspaceOf({ buffers: { a, b, c }, bias }: WgslGemm): number {
  return Math.max(a, b, c, bias?.buffer ?? 0) + 1;
}

/** The vectors of four elements of the larger of A and B, as the register kernel reads them. */
function texelsOf({ m, n, k, batch = 1 }: WgslGemm, { rows }: RegisterTile): number {
  return k * Math.max(Math.ceil(m / rows) * rows / 4, batch * Math.ceil(n / 4));
}

/** The kernel of a register tile. */
function registerVariant(
  product: WgslGemm,
  limits: WebGpuLimits,
  tile: RegisterTile,
  texels: boolean,
): MarkedVariant {
  const { m, n, k, b, batch = 1, buffers } = product, workspace = workspaceOf(product);
  const panels = Math.ceil(m / tile.rows), packedA = panels * k * tile.rows;
  const whole = b[0] % 4 === 0 && n % 4 === 0, gathered = b[1] !== 1 || (texels && !whole);
  const width = 4 * Math.ceil(n / 4), packedB = batch * k * width;
  const packs = [elementKernel(
    {
      count: packedA,
      body: `let row = i / ${k * tile.rows}u * ${tile.rows}u + i % ${tile.rows}u;
  let depth = i / ${tile.rows}u % ${k}u;
  packed[i] = select(0.0, a[min(row, ${m - 1}u) * ${product.a[0]}u + depth * ${product.a[1]}u], row < ${m}u);`,
    },
    [{ name: "a", index: buffers.a }, { name: "packed", index: workspace, write: true }],
    limits,
  )];
  if (gathered) {
    packs.push(elementKernel(
      {
        count: packedB,
        body: `let column = min(i % ${width}u, ${n - 1}u);
  let depth = i / ${width}u % ${k}u;
  packed[i] = b[i / ${width * k}u * ${k * n}u + depth * ${b[0]}u + column * ${b[1]}u];`,
      },
      [{ name: "b", index: buffers.b }, { name: "packed", index: workspace + 1, write: true }],
      limits,
    ));
  }
  const source = gathered
    ? { index: workspace + 1, row: rowOfMatrix(k * width, width), vector: true, texels }
    : { index: buffers.b, row: rowOfMatrix(k * n, b[0]), vector: whole, texels };
  const name = `registers ${tile.rows}x${4 * tile.vectors}${texels ? ", texels" : ""}`;
  return lazyVariant(
    { name, workspace: [f32([packedA]), ...(gathered ? [f32([packedB])] : [])] },
    () => [...packs, registerKernel(product, limits, tile, source, workspace)],
  );
}

/**
 * How the register kernel finds B: the buffer, where a row of a matrix starts, whether it has vectors, and whether these,
 * and A's, are read through textures.
 */
interface Source {
  readonly index: number;
  readonly row: string;
  readonly vector: boolean;
  readonly texels: boolean;
}

function registerKernel(
  product: WgslGemm,
  limits: WebGpuLimits,
  tile: RegisterTile,
  source: Source,
  packedA: number,
  matrixOfA = "0u",
): WebGpuKernel {
  const { m, n, k, batch = 1, buffers, bias, finishBindings } = product;
  const panels = Math.ceil(m / tile.rows), across = Math.ceil(n / (4 * tile.vectors)), threads = across * batch;
  const workgroups = Math.ceil(threads / LANES) * panels;
  const rows = range(tile.rows), vectors = range(tile.vectors), vector = n % 4 === 0;
  // Where loads are fast, what the loop does with each sum between two products counts, and there are two each time.
  const { texels } = source, depths = range(texels && k % 2 === 0 ? 2 : 1);
  const at = (name: string, index: string) => texels ? `${name}(${index})` : `${name}[${index}]`;
  const load = source.vector
    ? (line: string, v: number) => at("b", `(${line} + ${4 * v}u) / 4u`)
    : (line: string, v: number) =>
      `vec4<f32>(${range(4).map((c) => `b[${line} + min(${4 * v + c}u, rest)]`).join(", ")})`;
  const start = (r: number, v: number) =>
    bias === undefined
      ? "vec4<f32>()"
      : bias.of === "row"
      ? `vec4<f32>(bias[min(firstRow + ${r}u, ${m - 1}u)])`
      : `vec4<f32>(${range(4).map((c) => `bias[min(firstColumn + ${4 * v + c}u, ${n - 1}u)]`).join(", ")})`;
  return {
    wgsl: `${storeWgsl(product)}
fn rowOfB(matrix: u32, depth: u32) -> u32 { ${source.row} }
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let workgroup = id.y * groups.x + id.x;
  let panel = workgroup % ${panels}u;
  let thread = workgroup / ${panels}u * ${LANES}u + lane;
  if (thread >= ${threads}u) { return; }
  let firstRow = panel * ${tile.rows}u;
  let firstColumn = thread % ${across}u * ${4 * tile.vectors}u;
  let matrix = thread / ${across}u;
  let rest = ${n - 1}u - firstColumn;
  let firstA = (${matrixOfA} * ${panels}u + panel) * ${k}u;
  ${rows.map((r) => vectors.map((v) => `var sum${r}_${v} = ${start(r, v)};`).join(" ")).join("\n  ")}
  for (var p = 0u; p < ${k}u; p += ${depths.length}u) {
    ${
      depths.map((d) =>
        `let line${d} = rowOfB(matrix, p + ${d}u) + firstColumn;
    ${vectors.map((v) => `let b${d}_${v} = ${load(`line${d}`, v)};`).join(" ")}
    ${
          range(tile.rows / 4).map((q) =>
            `let a${d}_${q} = ${at("a", `(firstA + p + ${d}u) * ${tile.rows / 4}u + ${q}u`)};`
          ).join(" ")
        }`
      ).join("\n    ")
    }
    ${
      rows.map((r) =>
        vectors.map((v) => {
          const sum = depths.reduce(
            (s, d) => `fma(vec4<f32>(a${d}_${r >> 2}[${r & 3}]), b${d}_${v}, ${s})`,
            `sum${r}_${v}`,
          );
          return `sum${r}_${v} = ${sum};`;
        }).join(" ")
      ).join("\n    ")
    }
  }
  ${
      rows.flatMap((r) =>
        vectors.map((v) =>
          `if (firstRow + ${r}u < ${m}u && firstColumn + ${
            4 * v
          }u < ${n}u) { store(matrix, firstRow + ${r}u, firstColumn + ${4 * v}u, sum${r}_${v}); }`
        )
      ).join("\n  ")
    }
}`,
    bindings: [
      { name: "a", index: packedA, vector: true, texels },
      { name: "b", index: source.index, vector: source.vector, texels },
      ...(bias === undefined ? [] : [{ name: "bias", index: bias.buffer }]),
      ...(finishBindings?.(vector) ?? []),
      { name: "c", index: buffers.c, write: true, vector },
    ],
    workgroups: linearWorkgroups(workgroups, limits, 1),
  };
}

/** WGSL of `store(matrix, row, column, value)`, where the first of the four columns is inside. */
function storeWgsl({ m, n, finish = (value) => value }: WgslGemm): string {
  const body = n % 4 === 0
    ? `let place = start / 4u; c[place] = ${finish("value", "place", 4)};`
    : range(4).map((i) =>
      `${i === 0 ? "" : `if (column + ${i}u < ${n}u) `}{ let place = start + ${i}u; c[place] = ${
        finish(`value[${i}]`, "place", 1)
      }; }`
    ).join("\n  ");
  return `fn store(matrix: u32, row: u32, column: u32, value: vec4<f32>) {
  let start = (matrix * ${m}u + row) * ${n}u + column;
  ${body}
}`;
}

/** The kernel of workgroup memory: the columns of all B side by side, each filled up to whole vectors. */
function sharedVariant(product: WgslGemm, limits: WebGpuLimits): MarkedVariant {
  const { m, n, k, a, b, batch = 1, buffers, bias, finishBindings } = product;
  const width = 4 * Math.ceil(n / 4), vector = n % 4 === 0, vectorB = vector && b[1] === 1 && b[0] % 4 === 0;
  const element = (c: number) => `b[line + min(column + ${c}u, ${n - 1}u) * ${b[1]}u]`;
  const added = bias === undefined
    ? "value"
    : bias.of === "row"
    ? "value + bias[row]"
    : `value + vec4<f32>(${range(4).map((c) => `bias[min(column + ${c}u, ${n - 1}u)]`).join(", ")})`;
  const stored = storeWgsl(product).replace("fn store(", "fn storeMatrix(");
  return {
    name: "workgroup memory",
    kernels: [workgroupGemmKernel(
      {
        extents: [m, batch * width, k],
        functions: `${stored}
fn loadA(row: u32, k: u32) -> f32 {
  return select(0.0, a[min(row, ${m - 1}u) * ${a[0]}u + min(k, ${k - 1}u) * ${a[1]}u], k < ${k}u);
}
fn loadB(k: u32, place: u32) -> vec4<f32> {
  let matrix = min(place / ${width}u, ${batch - 1}u);
  let column = place % ${width}u;
  let line = matrix * ${k * n}u + min(k, ${k - 1}u) * ${b[0]}u;
  return ${vectorB ? "b[(line + column) / 4u]" : `vec4<f32>(${range(4).map(element).join(", ")})`};
}
fn store(_part: u32, row: u32, place: u32, value: vec4<f32>) {
  let column = place % ${width}u;
  storeMatrix(place / ${width}u, row, column, ${added});
}`,
        bindings: [
          { name: "a", index: buffers.a },
          { name: "b", index: buffers.b, vector: vectorB },
          ...(bias === undefined ? [] : [{ name: "bias", index: bias.buffer }]),
          ...(finishBindings?.(vector) ?? []),
          { name: "c", index: buffers.c, write: true, vector },
        ],
      },
      WORKGROUP_TILE_64x64x16,
      limits,
    )],
  };
}
