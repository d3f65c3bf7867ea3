/**
 * The register kernel of matrix products on WebGPU: a thread computes a tile of C in registers, adjacent threads adjacent
 * columns. It is for software adapters, where a load costs as much as tens of multiplications. A is packed before, so that
 * what a tile needs of it at a depth is adjacent (`pack.ts`); B is found row by row, wherever its rows lie.
 */

import { type DeviceLimits, linearWorkgroups, type WebGpuKernel } from "../../core/mod.ts";
import { range, vec4 } from "../text.ts";
import type { GemmProblem } from "./problem.ts";
import { columnBias, storeBindings, storeWgsl } from "./store.ts";
import type { RegisterTile } from "./tiles.ts";

/**
 * Threads of a workgroup: the lanes of a processor's vectors. Workgroups that follow each other take the same columns, so
 * that a cache keeps what they read of B.
 */
const LANES = 8;

/** What the register kernel reads. */
export interface RegisterOperands {
  /** The index of the buffer of A, packed into panels of the tile's rows. */
  readonly packedA: number;
  /** WGSL of which packed A the product `matrix` takes. Defaults to the only one. */
  readonly matrixOfA?: string;
  /** The index of the buffer of B. */
  readonly b: number;
  /** The body of a WGSL function of `matrix` and `depth`: the index of the element of B that this row begins with. */
  readonly rowOfB: string;
  /** Whether the rows of B are whole vectors. */
  readonly vectorsOfB: boolean;
  /** Whether A and B are read through textures; the rows of B must then be whole vectors. */
  readonly viaTexture: boolean;
}

/** The body of {@link RegisterOperands.rowOfB} where matrices and rows lie at regular distances, in elements. */
export function rowOfMatrix(matrix: number, row: number): string {
  return `return matrix * ${matrix}u + depth * ${row}u;`;
}

/** The kernel of a product. */
export function registerGemmKernel(
  problem: GemmProblem,
  operands: RegisterOperands,
  tile: RegisterTile,
  limits: DeviceLimits,
): WebGpuKernel {
  const { packedA, b, rowOfB, vectorsOfB, viaTexture } = operands;
  const workgroups = Math.ceil(threadsOf(problem, tile) / LANES) * panelsOf(problem, tile);
  return {
    wgsl: `${storeWgsl(problem)}
fn rowOfB(matrix: u32, depth: u32) -> u32 { ${rowOfB} }
${mainWgsl(problem, operands, tile)}`,
    bindings: [
      { name: "a", index: packedA, vector: true, texels: viaTexture },
      { name: "b", index: b, vector: vectorsOfB, texels: viaTexture },
      ...storeBindings(problem),
    ],
    workgroups: linearWorkgroups(workgroups, limits, 1),
  };
}

/** Panels of A. */
function panelsOf({ m }: GemmProblem, { rows }: RegisterTile): number {
  return Math.ceil(m / rows);
}

/** Tiles along a row of C. */
function tilesAcross({ n }: GemmProblem, { vectors }: RegisterTile): number {
  return Math.ceil(n / (4 * vectors));
}

/** Threads of a panel. */
function threadsOf(problem: GemmProblem, tile: RegisterTile): number {
  return tilesAcross(problem, tile) * (problem.batch ?? 1);
}

function mainWgsl(problem: GemmProblem, operands: RegisterOperands, tile: RegisterTile): string {
  const { k } = problem, { matrixOfA = "0u", viaTexture } = operands;
  const panels = panelsOf(problem, tile), across = tilesAcross(problem, tile);
  // Where loads are fast, what the loop does with each sum between two products counts: two depths a round halve it.
  const depths = range(viaTexture && k % 2 === 0 ? 2 : 1);
  return `@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let workgroup = id.y * groups.x + id.x;
  let panel = workgroup % ${panels}u;
  let thread = workgroup / ${panels}u * ${LANES}u + lane;
  if (thread >= ${threadsOf(problem, tile)}u) { return; }
  let firstRow = panel * ${tile.rows}u;
  let firstColumn = thread % ${across}u * ${4 * tile.vectors}u;
  let matrix = thread / ${across}u;
  let rest = ${problem.n - 1}u - firstColumn;
  let firstA = (${matrixOfA} * ${panels}u + panel) * ${k}u;
  ${declareSums(problem, tile)}
  for (var p = 0u; p < ${k}u; p += ${depths.length}u) {
    ${depths.map((d) => `${loadB(operands, tile, d)}\n    ${loadA(operands, tile, d)}`).join("\n    ")}
    ${multiply(tile, depths)}
  }
  ${storeSums(problem, tile)}
}`;
}

/** The sums of the tile, which begin with the bias. */
function declareSums({ m, n, bias }: GemmProblem, { rows, vectors }: RegisterTile): string {
  const start = (r: number, v: number) => {
    if (bias === undefined) return "vec4<f32>()";
    if (bias.of === "row") return `vec4<f32>(bias[min(firstRow + ${r}u, ${m - 1}u)])`;
    return columnBias(n, (c) => `firstColumn + ${4 * v + c}u`);
  };
  const row = (r: number) => range(vectors).map((v) => `var sum${r}_${v} = ${start(r, v)};`).join(" ");
  return range(rows).map(row).join("\n  ");
}

/** The vectors of B at depth `d` of a round. */
function loadB({ vectorsOfB, viaTexture }: RegisterOperands, { vectors }: RegisterTile, d: number): string {
  const line = `line${d}`;
  const vector = (v: number) => {
    if (vectorsOfB) return loadVector("b", `(${line} + ${4 * v}u) / 4u`, viaTexture);
    return vec4(range(4, 4 * v).map((column) => `b[${line} + min(${column}u, rest)]`));
  };
  return `let ${line} = rowOfB(matrix, p + ${d}u) + firstColumn;
    ${range(vectors).map((v) => `let b${d}_${v} = ${vector(v)};`).join(" ")}`;
}

/** The rows of A at depth `d` of a round, four in a vector. */
function loadA({ viaTexture }: RegisterOperands, { rows }: RegisterTile, d: number): string {
  const vector = (q: number) => loadVector("a", `(firstA + p + ${d}u) * ${rows / 4}u + ${q}u`, viaTexture);
  return range(rows / 4).map((q) => `let a${d}_${q} = ${vector(q)};`).join(" ");
}

/** A buffer that is read through a texture is a function of the index. */
function loadVector(name: string, index: string, viaTexture: boolean): string {
  return viaTexture ? `${name}(${index})` : `${name}[${index}]`;
}

/** Adds the products of a round to the sums. */
function multiply({ rows, vectors }: RegisterTile, depths: readonly number[]): string {
  const update = (r: number, v: number) => {
    const a = (d: number) => `vec4<f32>(a${d}_${r >> 2}[${r & 3}])`;
    const sum = depths.reduce((sum, d) => `fma(${a(d)}, b${d}_${v}, ${sum})`, `sum${r}_${v}`);
    return `sum${r}_${v} = ${sum};`;
  };
  return range(rows).map((r) => range(vectors).map((v) => update(r, v)).join(" ")).join("\n    ");
}

/** Stores what is inside of the tile. */
function storeSums({ m, n }: GemmProblem, { rows, vectors }: RegisterTile): string {
  const store = (r: number, v: number) => {
    const row = `firstRow + ${r}u`, column = `firstColumn + ${4 * v}u`;
    return `if (${row} < ${m}u && ${column} < ${n}u) { store(matrix, ${row}, ${column}, sum${r}_${v}); }`;
  };
  return range(rows).flatMap((r) => range(vectors).map((v) => store(r, v))).join("\n  ");
}

/** Products of operands that the caller has packed: A_i · B_i = C_i, where adjacent ones may share an A. */
export interface PackedGemmProblem {
  /** Rows of C. */
  readonly m: number;
  /** Columns of C: whole vectors of four. */
  readonly n: number;
  /** The depth. */
  readonly k: number;
  /** How many products there are. */
  readonly batch: number;
  /** The indices of the buffers of A [batch / sharing, ceil(m / rows), k, rows], B [batch, k, n] and C [batch, m, n]. */
  readonly buffers: { readonly a: number; readonly b: number; readonly c: number };
  /** How many adjacent products share an A. Defaults to 1. */
  readonly sharing?: number;
  /** As {@link RegisterOperands.rowOfB}. Defaults to that of B [batch, k, n]. */
  readonly rowOfB?: string;
}

/** The register kernel of packed products. */
export function packedGemmKernel(
  problem: PackedGemmProblem,
  tile: RegisterTile,
  viaTexture: boolean,
  limits: DeviceLimits,
): WebGpuKernel {
  const { n, k, buffers, sharing = 1, rowOfB = rowOfMatrix(k * n, n) } = problem;
  const operands = {
    packedA: buffers.a,
    matrixOfA: `matrix / ${sharing}u`,
    b: buffers.b,
    rowOfB,
    vectorsOfB: true,
    viaTexture,
  };
  return registerGemmKernel({ ...problem, a: [k, 1], b: [n, 1] }, operands, tile, limits);
}
