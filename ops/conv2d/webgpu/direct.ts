/**
 * The register-tiled direct WebGPU kernel of convolution and of its input gradient. Both gather,
 *
 *     result[n, k, y, x] = Σ over s, i, j of weight(k, s, i, j) · source[n, s, sy(y, i), sx(x, j)],
 *
 * along one axis like this, with p = padding, d = dilation, t = stride:
 *
 *     convolution:     sy = t·y + d·i - p
 *     input gradient:  sy = (y + p - d·i) / t, for the taps i where t divides that.
 *
 * So along an axis results fall into phases (t of them in a gradient, else one): result `phases·v + a` of phase a meets
 * the source at `step·v + offset(a, i)`. Offsets are constants of the text, and no tap is skipped at run time. A thread
 * computes a tile of rows, columns and channels in registers, four adjacent columns of a phase in a vector. Weights are
 * packed by a first pass, so that those of a tile's channels are loaded as vectors.
 */

import {
  elementKernel,
  f32,
  lazyVariant,
  type MarkedVariant,
  type WebGpuElements,
  type WebGpuLimits,
} from "../../../core/mod.ts";
import { expectIterations } from "../../../kernels/mod.ts";
import { type Axis, axisOf, sourceLoads } from "./direct_source.ts";
import { epilogueWgsl, type ForwardOperands, operandBindings } from "./epilogue.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** The register tile of a thread. */
export interface DirectTile {
  /** Vectors of four adjacent columns of a phase. */
  readonly vectors: number;
  /** Rows of a phase. */
  readonly rows: number;
  /** Result channels; a multiple of four. */
  readonly channels: number;
  /** Whether source and weights are read through textures. */
  readonly texels?: boolean;
}

/** Which way the sum goes. */
export type Direction = "forward" | "inputGradient";

/** Threads of a workgroup. */
const WORKGROUP = 64;

/** All that the text of a kernel depends on. */
interface Kernel {
  readonly forward: boolean;
  readonly operands: ForwardOperands;
  readonly tile: DirectTile;
  readonly y: Axis;
  readonly x: Axis;
  readonly channels: number;
  readonly sources: number;
  readonly channelTiles: number;
  readonly rowTiles: number;
  readonly columnTiles: number;
  readonly threads: number;
}

/** The vectors of four elements of the larger of what a tile reads through textures; infinite where it cannot. */
export function directTexels(g: ConvolutionProblem, direction: Direction, tile: DirectTile): number {
  const forward = direction === "forward", y = axisOf(g, forward, 0), x = axisOf(g, forward, 1);
  const channels = forward ? g.groupOutputs : g.groupInputs, sources = forward ? g.groupInputs : g.groupOutputs;
  const source = g.batch * y.sourceSize * x.sourceSize;
  const weights = Math.ceil(channels / tile.channels) * tile.channels * g.kernelHeight * g.kernelWidth;
  return x.sourceSize % 4 === 0 ? g.groups * sources * Math.max(source, weights) / 4 : Infinity;
}

/** The variant of a tile. */
export function directVariant(
  g: ConvolutionProblem,
  limits: WebGpuLimits,
  direction: Direction,
  operands: ForwardOperands,
  tile: DirectTile,
): MarkedVariant {
  const forward = direction === "forward";
  const channels = forward ? g.groupOutputs : g.groupInputs, sources = forward ? g.groupInputs : g.groupOutputs;
  expectIterations("conv2d", sources);
  const y = axisOf(g, forward, 0), x = axisOf(g, forward, 1);
  const channelTiles = Math.ceil(channels / tile.channels);
  const rowTiles = Math.ceil(y.size / (tile.rows * y.phases));
  const columnTiles = Math.ceil(x.size / (4 * tile.vectors * x.phases));
  const threads = columnTiles * rowTiles * g.batch, workgroups = Math.ceil(threads / WORKGROUP);
  const across = Math.min(workgroups, limits.maxComputeWorkgroupsPerDimension);
  const packed = g.groups * channelTiles * sources * g.kernelHeight * g.kernelWidth * tile.channels;
  const kernel = {
    forward,
    operands,
    tile,
    y,
    x,
    channels,
    sources,
    channelTiles,
    rowTiles,
    columnTiles,
    threads,
  };
  const { output } = operands, { texels } = tile, vector = x.size % 4 === 0;
  const name = `direct ${4 * tile.vectors}x${tile.rows}x${tile.channels}${texels ? ", texels" : ""}`;
  return lazyVariant({ name, workspace: [f32([packed])] }, () => [
    elementKernel(
      packing(g, kernel, packed),
      [{ name: "weight", index: 1 }, { name: "packed", index: output + 1, write: true }],
      limits,
    ),
    {
      wgsl: directWgsl(g, kernel),
      bindings: [
        { name: "source", index: 0, vector: x.sourceSize % 4 === 0, texels },
        { name: "packed", index: output + 1, vector: true, texels },
        ...operandBindings(operands, vector),
        { name: "result", index: output, write: true, vector },
      ],
      workgroups: [across, channelTiles * g.groups, Math.ceil(workgroups / across)],
    },
  ]);
}

/**
 * Weights as [group, channel tile, source, tap, channel of the tile]; channels beyond the last are zeros. Those of a gradient are
 * turned around, so that where the padding is even it is the convolution: one text, and one pipeline, for both.
 */
function packing(
  g: ConvolutionProblem,
  { forward, tile, channels, sources, channelTiles }: Kernel,
  packed: number,
): WebGpuElements {
  const taps = g.kernelHeight * g.kernelWidth, from = forward ? "tap" : `${taps - 1}u - tap`;
  const row = forward ? `(group * ${channels}u + k) * ${sources}u + s` : `(group * ${sources}u + s) * ${channels}u + k`;
  return {
    count: packed,
    body: `let tap = i / ${tile.channels}u % ${taps}u;
  let s = i / ${tile.channels * taps}u % ${sources}u;
  let tile = i / ${tile.channels * taps * sources}u;
  let group = tile / ${channelTiles}u;
  let k = tile % ${channelTiles}u * ${tile.channels}u + i % ${tile.channels}u;
  packed[i] = select(0.0, weight[(${row}) * ${taps}u + ${from}], k < ${channels}u);`,
  };
}

function range(count: number): number[] {
  return [...Array(count).keys()];
}

function directWgsl(g: ConvolutionProblem, kernel: Kernel): string {
  const { operands, tile, y, x, channels, sources, channelTiles, rowTiles, columnTiles, threads } = kernel;
  const taps = g.kernelHeight * g.kernelWidth, quads = tile.channels / 4, { texels = false } = tile;
  const kept = range(tile.channels), ragged = channels % tile.channels !== 0;
  const places = range(y.phases).flatMap((a) =>
    range(tile.rows).flatMap((r) => range(x.phases).flatMap((b) => range(tile.vectors).map((v) => ({ a, r, b, v }))))
  );
  const sum = ({ a, r, b, v }: typeof places[number], k: number) => `sum${a}_${r}_${b}_${v}_${k}`;
  const source = sourceLoads(
    { size: y.sourceSize, last: (rowTiles - 1) * tile.rows * y.step },
    { size: x.sourceSize, last: (columnTiles - 1) * 4 * tile.vectors * x.step },
    texels,
  );

  /** The vector of the source that a place meets at a tap, if it meets any, with a name that is the same for the same vector. */
  const met = (place: typeof places[number], packedTap: number) => {
    const tap = kernel.forward ? packedTap : taps - 1 - packedTap;
    const dy = y.offsets[place.a].get(Math.floor(tap / g.kernelWidth)),
      dx = x.offsets[place.b].get(tap % g.kernelWidth);
    if (dy === undefined || dx === undefined) return undefined;
    const row = place.r * y.step + dy, column = 4 * place.v * x.step + dx;
    const values = range(4).map((c) => source.value(row, column + c * x.step));
    return { name: `v${row}_${column}`.replaceAll("-", "m"), value: `vec4<f32>(${values.join(", ")})` };
  };
  const weight = (tap: number, q: number) => {
    const index = `row + ${tap * quads + q}u`;
    return `let w${tap}_${q} = ${texels ? `packed(${index})` : `packed[${index}]`};`;
  };
  const weights = (tap: number) => range(quads).map((q) => weight(tap, q)).join(" ");
  const factor = (tap: number, k: number) => `vec4<f32>(w${tap}_${k >> 2}[${k & 3}])`;
  const bySum = () => {
    const vectors = new Map(
      places.flatMap((place) => range(taps).flatMap((tap) => met(place, tap) ?? [])).map((v) => [v.name, v.value]),
    );
    const factors = new Set<string>();
    return [
      range(taps).map(weights).join(" "),
      ...[...vectors].map(([name, value]) => `let ${name} = ${value};`),
      ...places.flatMap((place) =>
        kept.map((k) => {
          const name = sum(place, k), lines: string[] = [];
          const products = range(taps).reduce((s, tap) => {
            const v = met(place, tap), f = `f${tap}_${k}`;
            if (v === undefined) return s;
            // Declared once for all places: the more expressions, the longer a text takes to compile.
            if (!factors.has(f)) lines.push(`let ${f} = ${factor(tap, k)};`);
            factors.add(f);
            return `fma(${f}, ${v.name}, ${s})`;
          }, name);
          return [...lines, `${name} = ${products};`].join(" ");
        })
      ),
    ].join("\n    ");
  };
  const byTap = () =>
    range(taps).map((tap) => {
      const lines = places.flatMap((place) => {
        const v = met(place, tap);
        if (v === undefined) return [];
        const updates = kept.map((k) => `${sum(place, k)} = fma(${factor(tap, k)}, v, ${sum(place, k)});`);
        return [`{ let v = ${v.value}; ${updates.join(" ")} }`];
      });
      return lines.length === 0 ? "" : `{ ${weights(tap)}\n      ${lines.join("\n      ")}\n    }`;
    }).join("\n    ");
  const products = texels ? bySum() : byTap();

  /** Column `t` of a tile's row: phases alternate. */
  const element = (a: number, r: number, k: number, t: number) => {
    const c = Math.floor(t / x.phases);
    return `${sum({ a, r, b: t % x.phases, v: c >> 2 }, k)}[${c & 3}]`;
  };
  const stores = kept.flatMap((k) =>
    range(y.phases).flatMap((a) =>
      range(tile.rows).flatMap((r) =>
        range(tile.vectors * x.phases).map((u) => {
          const value = `vec4<f32>(${range(4).map((c) => element(a, r, k, 4 * u + c)).join(", ")})`;
          const call = `store(channel + ${k}u, y + ${r * y.phases + a}u, x + ${4 * u}u, ${value});`;
          return ragged ? `if (firstChannel + ${k}u < ${channels}u) { ${call} }` : call;
        })
      )
    )
  );
  const rowsFit = y.size % (tile.rows * y.phases) === 0;
  const columnsFit = x.size % (4 * tile.vectors * x.phases) === 0;
  const guard = (column: string) => columnsFit ? "" : `if (${column} < ${x.size}u) `;
  const storeVector = x.size % 4 === 0
    ? `let place = (line + x) / 4u; ${guard("x")}{ result[place] = ${epilogueWgsl(operands, "value", "place", 4)}; }`
    : range(4).map((c) =>
      `${guard(`x + ${c}u`)}{ let place = line + x + ${c}u; result[place] = ${
        epilogueWgsl(operands, `value[${c}]`, "place")
      }; }`
    ).join("\n  ");
  const first = (k: number) =>
    operands.bias === undefined
      ? "0.0"
      : `bias[min(group * ${channels}u + firstChannel + ${k}u, ${g.groups * channels - 1}u)]`;
  return `var<private> image: u32;
${source.functions}
fn store(channel: u32, y: u32, x: u32, value: vec4<f32>) {
  ${rowsFit ? "" : `if (y >= ${y.size}u) { return; }`}
  let line = ((image * ${g.groups * channels}u + channel) * ${y.size}u + y) * ${x.size}u;
  ${storeVector}
}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32,
  @builtin(num_workgroups) groups: vec3<u32>) {
  let group = id.y / ${channelTiles}u;
  let firstChannel = id.y % ${channelTiles}u * ${tile.channels}u;
  let thread = (id.z * groups.x + id.x) * ${WORKGROUP}u + lane;
  if (thread >= ${threads}u) { return; }
  let columnTile = thread % ${columnTiles}u;
  let rowTile = thread / ${columnTiles}u % ${rowTiles}u;
  image = thread / ${columnTiles * rowTiles}u;
  let x = columnTile * ${4 * tile.vectors * x.phases}u;
  let y = rowTile * ${tile.rows * y.phases}u;
  let firstColumn = i32(columnTile * ${4 * tile.vectors * x.step}u);
  let firstRow = i32(rowTile * ${tile.rows * y.step}u);
  ${kept.map((k) => `let first${k} = vec4<f32>(${first(k)});`).join(" ")}
  ${places.map((place) => kept.map((k) => `var ${sum(place, k)} = first${k};`).join(" ")).join("\n  ")}
  for (var s = 0u; s < ${sources}u; s++) {
    let plane = ((image * ${g.groups}u + group) * ${sources}u + s) * ${y.sourceSize * x.sourceSize}u;
    let row = (id.y * ${sources}u + s) * ${taps * quads}u;
    ${source.statements().join("\n    ")}
    ${products}
  }
  let channel = group * ${channels}u + firstChannel;
  ${stores.join("\n  ")}
}`;
}
