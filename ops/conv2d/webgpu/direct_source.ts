/** How a tile of a direct convolution meets its source: offsets along an axis, and the loads of what is met, each once. */

import type { ConvolutionProblem } from "../problem.ts";

/** How results along one axis meet the source. */
export interface Axis {
  /** Results. */
  readonly size: number;
  /** Elements of the source. */
  readonly sourceSize: number;
  /** Phases of the results. */
  readonly phases: number;
  /** The source's distance between neighbours of a phase. */
  readonly step: number;
  /** For each phase, the taps that it meets and where. */
  readonly offsets: readonly ReadonlyMap<number, number>[];
}

/** The rows (axis 0) or columns (axis 1) of a convolution or of its input gradient. */
export function axisOf(g: ConvolutionProblem, forward: boolean, axis: 0 | 1): Axis {
  const input = axis === 0 ? g.height : g.width, output = axis === 0 ? g.outputHeight : g.outputWidth;
  const kernel = axis === 0 ? g.kernelHeight : g.kernelWidth;
  const stride = g.stride[axis], padding = g.padding[axis], dilation = g.dilation[axis];
  const taps = [...Array(kernel).keys()];
  if (forward) {
    const offsets = new Map(taps.map((tap) => [tap, tap * dilation - padding]));
    return { size: output, sourceSize: input, phases: 1, step: stride, offsets: [offsets] };
  }
  const offsets = Array.from({ length: stride }, (_, phase) => {
    const pairs = taps.map((tap): [number, number] => [tap, (phase + padding - tap * dilation) / stride]);
    return new Map(pairs.filter(([, offset]) => Number.isInteger(offset)));
  });
  return { size: input, sourceSize: output, phases: stride, step: 1, offsets };
}

/** The loads of a tile. */
export interface SourceLoads {
  /** WGSL functions that load elements; what lies outside is zero. */
  readonly functions: string;
  /** The WGSL of an element, by its distance from `firstRow` and `firstColumn`. */
  value(row: number, column: number): string;
  /** The WGSL that loads every element asked for; it reads `plane`, `firstRow` and `firstColumn`. */
  statements(): string[];
}

/** Where the tiles of a kernel meet the source along an axis. */
export interface SourceSpan {
  /** Elements of the source. */
  readonly size: number;
  /** Where the last tile begins: its `firstRow` or `firstColumn`; that of the first tile is 0. */
  readonly last: number;
}

/** Whether elements at distances `from` to `to` are inside for every tile, outside for every tile, or neither. */
function placeOf({ size, last }: SourceSpan, from: number, to: number): "inside" | "outside" | "either" {
  if (from >= 0 && last + to < size) return "inside";
  return last + to < 0 || from >= size ? "outside" : "either";
}

/**
 * Collects what a tile needs of `source`, which is bound as vectors where rows are whole vectors; then `firstColumn` must
 * be a multiple of four.
 *
 * @param texels Whether it is read through a texture; rows must then be whole vectors.
 */
export function sourceLoads(y: SourceSpan, x: SourceSpan, texels: boolean): SourceLoads {
  const height = y.size, width = x.size, vectors = width % 4 === 0;
  const needed = new Map<number, Set<number>>();
  const label = (n: number) => String(n).replace("-", "m");
  const shifted = (text: string, by: number) => by < 0 ? `${text} - ${-by}` : `${text} + ${by}`;
  /** A vector is worth loading for two of its elements: it costs about as much. */
  const whole = (row: number, quad: number) =>
    vectors && (texels || [0, 1, 2, 3].filter((c) => needed.get(row)!.has(4 * quad + c)).length > 1);
  const vector = (index: string) => texels ? `source((${index}) / 4u)` : `source[(${index}) / 4u]`;
  const element = (index: string) => vectors ? `source[(${index}) / 4u][(${index}) % 4u]` : `source[${index}]`;
  return {
    functions: [
      vectors
        ? `fn loadVector(line: u32, inside: bool, x: i32) -> vec4<f32> {
  return select(vec4<f32>(), ${vector(`line + u32(clamp(x, 0, ${width - 4}))`)}, inside && x >= 0 && x < ${width});
}`
        : "",
      texels ? "" : `fn load(line: u32, inside: bool, x: i32) -> f32 {
  let i = line + u32(clamp(x, 0, ${width - 1}));
  return select(0.0, ${element("i")}, inside && x >= 0 && x < ${width});
}`,
    ].join("\n"),
    value(row, column) {
      if (placeOf(y, row, row) === "outside" || placeOf(x, column, column) === "outside") return "0.0";
      if (!needed.has(row)) needed.set(row, new Set());
      needed.get(row)!.add(column);
      // The name says all: whether it is one element or a part of a vector is known once all were asked for.
      return `${`e${label(row)}_${label(column)}`}`;
    },
    statements() {
      return [...needed].flatMap(([row, columns]) => {
        const line = `line${label(row)}`, inside = `inside${label(row)}`, at = shifted("firstRow", row);
        const quads = [...new Set([...columns].map((column) => Math.floor(column / 4)))];
        const rowInside = placeOf(y, row, row) === "inside";
        const load = (quad: number) =>
          rowInside && placeOf(x, 4 * quad, 4 * quad + 3) === "inside"
            ? vector(`${line} + u32(${shifted("firstColumn", 4 * quad)})`)
            : `loadVector(${line}, ${inside}, ${shifted("firstColumn", 4 * quad)})`;
        return [
          `let ${inside} = ${rowInside ? "true" : `${at} >= 0 && ${at} < ${height}`};`,
          `let ${line} = plane + u32(${rowInside ? at : `clamp(${at}, 0, ${height - 1})`}) * ${width}u;`,
          ...quads.filter((quad) => whole(row, quad)).map((quad) =>
            `let q${label(row)}_${label(quad)} = ${load(quad)};`
          ),
          ...[...columns].map((column) => {
            const quad = Math.floor(column / 4), name = `e${label(row)}_${label(column)}`;
            return whole(row, quad)
              ? `let ${name} = q${label(row)}_${label(quad)}[${column - 4 * quad}];`
              : `let ${name} = load(${line}, ${inside}, ${shifted("firstColumn", column)});`;
          }),
        ];
      });
    },
  };
}
