/** The loads of a tile of a convolution: what is requested of the source, each element or vector once. */

import { vec4 } from "../../../kernels/mod.ts";

/** The loads of a tile. */
export interface SourceLoads {
  /** WGSL functions that load elements; what lies outside is zero. */
  readonly functions: string;
  /** Requests an element by its distance from `firstRow` and `firstColumn`; the WGSL of it. */
  request(row: number, column: number): string;
  /** The WGSL that loads all that was requested; it reads `plane`, `firstRow` and `firstColumn`. */
  statements(): string[];
}

/** Where the tiles of a kernel meet the source along an axis. */
export interface SourceSpan {
  /** Elements of the source. */
  readonly size: number;
  /** Where the last tile begins: its `firstRow` or `firstColumn`; that of the first tile is 0. */
  readonly last: number;
}

/** Requests the vector of four elements of a row, `step` apart. */
export function requestVector(
  loads: Pick<SourceLoads, "request">,
  row: number,
  column: number,
  step: number,
): string {
  return vec4([0, 1, 2, 3].map((c) => loads.request(row, column + c * step)));
}

/**
 * Collects what a tile needs of `source`, which is bound as vectors where rows are whole vectors; then `firstColumn` must
 * be a multiple of four.
 *
 * @param viaTexture Whether it is read through a texture; rows must then be whole vectors.
 */
export function sourceLoads(y: SourceSpan, x: SourceSpan, viaTexture: boolean): SourceLoads {
  const vectors = x.size % 4 === 0;
  const requested = new Map<number, Set<number>>();
  return {
    functions: [vectors ? loadVectorWgsl(x.size, viaTexture) : "", viaTexture ? "" : loadWgsl(x.size)].join("\n"),
    request(row, column) {
      if (sideOf(y, row, row) === "outside" || sideOf(x, column, column) === "outside") return "0.0";
      if (!requested.has(row)) requested.set(row, new Set());
      requested.get(row)!.add(column);
      // The name says all: whether it is one element or a part of a vector is known once all were requested.
      return elementName(row, column);
    },
    statements() {
      return [...requested].flatMap(([row, columns]) => loadRow(row, [...columns], y, x, viaTexture));
    },
  };
}

/** Whether elements at distances `from` to `to` are inside for every tile, outside for every tile, or neither. */
function sideOf({ size, last }: SourceSpan, from: number, to: number): "inside" | "outside" | "either" {
  if (from >= 0 && last + to < size) return "inside";
  return last + to < 0 || from >= size ? "outside" : "either";
}

/** A distance in a name. */
function label(distance: number): string {
  return String(distance).replace("-", "m");
}

function elementName(row: number, column: number): string {
  return `e${label(row)}_${label(column)}`;
}

function vectorName(row: number, quad: number): string {
  return `q${label(row)}_${label(quad)}`;
}

/** An expression and a distance. */
function shifted(text: string, by: number): string {
  return by < 0 ? `${text} - ${-by}` : `${text} + ${by}`;
}

/** The vector of the source that begins with the element of an index. */
function vectorAt(index: string, viaTexture: boolean): string {
  return viaTexture ? `source((${index}) / 4u)` : `source[(${index}) / 4u]`;
}

function loadVectorWgsl(width: number, viaTexture: boolean): string {
  const vector = vectorAt(`line + u32(clamp(x, 0, ${width - 4}))`, viaTexture);
  return `fn loadVector(line: u32, inside: bool, x: i32) -> vec4<f32> {
  return select(vec4<f32>(), ${vector}, inside & (x >= 0) & (x < ${width}));
}`;
}

function loadWgsl(width: number): string {
  return `fn load(line: u32, inside: bool, x: i32) -> f32 {
  let i = line + u32(clamp(x, 0, ${width - 1}));
  return select(0.0, ${
    width % 4 === 0 ? "source[(i) / 4u][(i) % 4u]" : "source[i]"
  }, inside & (x >= 0) & (x < ${width}));
}`;
}

/** The statements that load the columns requested of a row. */
function loadRow(row: number, columns: readonly number[], y: SourceSpan, x: SourceSpan, viaTexture: boolean): string[] {
  const line = `line${label(row)}`, inside = `inside${label(row)}`, at = shifted("firstRow", row);
  const rowInside = sideOf(y, row, row) === "inside";
  const quadOf = (column: number) => Math.floor(column / 4);
  const quads = [...new Set(columns.map(quadOf))];
  // A vector is worth loading for two of its elements: it costs about as much.
  const isWhole = (quad: number) =>
    x.size % 4 === 0 && (viaTexture || columns.filter((column) => quadOf(column) === quad).length > 1);
  const loadQuad = (quad: number) => {
    const column = shifted("firstColumn", 4 * quad);
    return rowInside && sideOf(x, 4 * quad, 4 * quad + 3) === "inside"
      ? vectorAt(`${line} + u32(${column})`, viaTexture)
      : `loadVector(${line}, ${inside}, ${column})`;
  };
  const loadColumn = (column: number) => {
    const quad = quadOf(column);
    return isWhole(quad)
      ? `${vectorName(row, quad)}[${column - 4 * quad}]`
      : `load(${line}, ${inside}, ${shifted("firstColumn", column)})`;
  };
  return [
    `let ${inside} = ${rowInside ? "true" : `(${at} >= 0) & (${at} < ${y.size})`};`,
    `let ${line} = plane + u32(${rowInside ? at : `clamp(${at}, 0, ${y.size - 1})`}) * ${x.size}u;`,
    ...quads.filter(isWhole).map((quad) => `let ${vectorName(row, quad)} = ${loadQuad(quad)};`),
    ...columns.map((column) => `let ${elementName(row, column)} = ${loadColumn(column)};`),
  ];
}
