/** The operands of a matrix product as the workgroup-memory kernel stages them. */

import { type DeviceLimits, elementKernel, sizeWgsl, type WebGpuKernel } from "../../core/mod.ts";
import { range } from "../text.ts";
import type { WorkgroupTile } from "./tiles.ts";
import type { StagedOperand } from "./workgroup.ts";

/** A matrix, or several one after the other whose lines lie side by side. Rows of A and columns of B are its lines. */
export interface Matrix {
  /** Lines of a matrix. */
  readonly lines: number;
  /** Elements of a line. */
  readonly depth: number;
  /** Elements from a line to the next. */
  readonly lineStride: number;
  /** Elements from a depth to the next. */
  readonly depthStride: number;
  /** How many there are. */
  readonly count: number;
}

/** How a matrix can be loaded in vectors: of adjacent lines, of adjacent depths, or, without packing, not at all. */
export type MatrixLayout = "lines" | "depths" | "neither";

/** How a matrix lies. */
export function layoutOf({ lines, depth, lineStride, depthStride, count }: Matrix): MatrixLayout {
  if (count > 1 && lines % 4 !== 0) return "neither";
  if (lineStride === 1 && depthStride % 4 === 0 && lines % 4 === 0) return "lines";
  return depthStride === 1 && lineStride % 4 === 0 && depth % 4 === 0 ? "depths" : "neither";
}

/** Lines of a matrix as a product has them: whole vectors. */
export function paddedLines({ lines }: Pick<Matrix, "lines">): number {
  return 4 * Math.ceil(lines / 4);
}

/** The matrix that {@link packMatrixKernel} makes: whole blocks of lines at a depth, whole slices deep. */
export function packedMatrix(matrix: Matrix, block: number, { depth }: WorkgroupTile): Matrix {
  const lines = block * Math.ceil(paddedLines(matrix) * matrix.count / block);
  return { lines, depth: depth * Math.ceil(matrix.depth / depth), lineStride: 1, depthStride: lines, count: 1 };
}

/** Packs a matrix depth by depth; what lies outside is zero. */
export function packMatrixKernel(
  { lines, depth, lineStride, depthStride, count }: Matrix,
  packed: Matrix,
  [from, to]: readonly [number, number],
  limits: DeviceLimits,
): WebGpuKernel {
  const padded = paddedLines({ lines });
  return elementKernel(
    {
      count: packed.lines * packed.depth,
      body: `let line = i % ${packed.lines}u;
  let depth = i / ${packed.lines}u;
  let matrix = min(line / ${padded}u, ${count - 1}u);
  let start = matrix * ${lines * depth}u + min(line % ${padded}u, ${lines - 1}u) * ${lineStride}u;
  let inside = (line % ${padded}u < ${lines}u) & (line < ${padded * count}u) & (depth < ${depth}u);
  packed[i] = select(0.0, unpacked[start + min(depth, ${depth - 1}u) * ${depthStride}u], inside);`,
    },
    [{ name: "unpacked", index: from }, { name: "packed", index: to, write: true }],
    limits,
  );
}

/**
 * A matrix that is loaded in vectors.
 *
 * @param name The name of its buffer, bound as vectors.
 * @param block Lines of a block.
 * @param origin WGSL of the vector that the matrix of a `product` begins with. Defaults to the first.
 */
export function matrixOperand(
  name: string,
  matrix: Matrix,
  block: number,
  tile: WorkgroupTile,
  origin?: string,
): StagedOperand {
  const turned = layoutOf(matrix) === "depths";
  const { lines, depth, lineStride, depthStride, count } = matrix, all = lines * count;
  const at = `at_${name}`, deep = `deep_${name}`;
  const size = (of: string, value: number) => sizeWgsl(`${name}_${of}`, value);
  const held = (line: string, most: number) => all % block === 0 ? line : `min(${line}, ${size("last", most)})`;
  const place = (line: string) => {
    const ofLine = turned ? size("line", lineStride) : `${lineStride}u`;
    const offset = count === 1
      ? `${line} * ${ofLine}`
      : `${line} / ${size("lines", lines)} * ${size("matrix", lines * depth)} + ${line} % ${
        size("lines", lines)
      } * ${ofLine}`;
    return `(${offset}) / 4u`;
  };
  const vectors = turned ? tile.depth / 4 : tile.depth, stride = turned ? 1 : depthStride / 4;
  const inside = turned ? depth / 4 : depth, checks = inside % vectors !== 0;
  const deeper = (step: number) => turned || step === 0 ? `${step * stride}u` : size(`step${step}`, step * stride);
  const load = (index: string, step: number) => {
    const at = `${index} + ${deeper(step)}`, isInside = `${deep} + ${step}u < ${size("depth", inside)}`;
    return checks ? `select(vec4<f32>(), ${name}[select(0u, ${at}, ${isInside})], ${isInside})` : `${name}[${at}]`;
  };
  return {
    turned,
    loads: 1,
    setup(unit, line, depthInSlice) {
      const start = `${origin === undefined ? "" : `${origin} + `}(begin * ${vectors}u + ${depthInSlice}) * ${
        deeper(1)
      }`;
      const once = unit === 0 && checks ? `var ${deep} = begin * ${vectors}u + ${depthInSlice};` : "";
      if (!turned) {
        return `${once} let line_${name} = ${held(line, all - 4)};
  var ${at}0 = ${place(`line_${name}`)} + ${start};`;
      }
      return `${once} let line_${name}${unit} = ${line};
  ${range(4).map((j) => `let line_${name}${unit}_${j} = ${held(`line_${name}${unit} + ${j}u`, all - 1)};`).join(" ")}
  var ${at}${unit} = vec4<u32>(${range(4).map((j) => place(`line_${name}${unit}_${j}`)).join(", ")}) + ${start};`;
    },
    fetch: (unit, step, names) =>
      names.map((each, j) => `${each} = ${load(turned ? `${at}${unit}[${j}]` : `${at}${unit}`, step)};`).join("\n    "),
    advance: (unit) =>
      `${at}${unit} += ${turned ? `vec4<u32>(${vectors}u)` : deeper(vectors)};${
        unit === 0 && checks ? ` ${deep} += ${vectors}u;` : ""
      }`,
  };
}
