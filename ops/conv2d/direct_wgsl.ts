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

import { elementPass, f32, type WebGpuElements, type WebGpuLimits, type WebGpuVariant } from "../../core/mod.ts";
import { expectIterations } from "../_reduce.ts";
import { type Axis, axisOf, sourceLoads } from "./direct_source_wgsl.ts";
import { finishWgsl, type ForwardOperands, operandBindings } from "./epilogue.ts";
import type { Geometry } from "./geometry.ts";

/** The register tile of a thread. */
export interface DirectTile {
  /** Vectors of four adjacent columns of a phase. */
  readonly vectors: number;
  /** Rows of a phase. */
  readonly rows: number;
  /** Result channels; a multiple of four. */
  readonly channels: number;
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

/** The variant of a tile. */
export function directVariant(
  g: Geometry,
  limits: WebGpuLimits,
  direction: Direction,
  operands: ForwardOperands,
  tile: DirectTile,
): WebGpuVariant {
  const forward = direction === "forward";
  const channels = forward ? g.groupOutputs : g.groupInputs, sources = forward ? g.groupInputs : g.groupOutputs;
  expectIterations("conv2d", sources);
  const y = axisOf(g, forward, 0), x = axisOf(g, forward, 1);
  const channelTiles = Math.ceil(channels / tile.channels);
  const rowTiles = Math.ceil(y.size / (tile.rows * y.phases));
  const columnTiles = Math.ceil(x.size / (4 * tile.vectors * x.phases));
  const threads = columnTiles * rowTiles * g.batch, workgroups = Math.ceil(threads / WORKGROUP);
  const across = Math.min(workgroups, limits.maxComputeWorkgroupsPerDimension);
  const kernel = { forward, operands, tile, y, x, channels, sources, channelTiles, rowTiles, columnTiles, threads };
  const packed = g.groups * channelTiles * sources * g.kernelHeight * g.kernelWidth * tile.channels;
  const { output } = operands, vector = x.size % 4 === 0;
  return {
    name: `direct ${4 * tile.vectors}x${tile.rows}x${tile.channels}`,
    workspace: [f32([packed])],
    passes: [
      elementPass(
        packing(g, kernel, packed),
        [{ name: "weight", index: 1 }, { name: "packed", index: output + 1, write: true }],
        limits,
      ),
      {
        wgsl: directWgsl(g, kernel),
        bindings: [
          { name: "source", index: 0, vector: x.sourceSize % 4 === 0 },
          { name: "packed", index: output + 1, vector: true },
          ...operandBindings(operands, vector),
          { name: "result", index: output, write: true, vector },
        ],
        workgroups: [across, channelTiles * g.groups, Math.ceil(workgroups / across)],
      },
    ],
  };
}

/** Weights as [group, channel tile, source, tap, channel of the tile]; channels beyond the last are zeros. */
function packing(
  g: Geometry,
  { forward, tile, channels, sources, channelTiles }: Kernel,
  packed: number,
): WebGpuElements {
  const taps = g.kernelHeight * g.kernelWidth;
  const row = forward ? `(group * ${channels}u + k) * ${sources}u + s` : `(group * ${sources}u + s) * ${channels}u + k`;
  return {
    count: packed,
    body: `let tap = i / ${tile.channels}u % ${taps}u;
  let s = i / ${tile.channels * taps}u % ${sources}u;
  let tile = i / ${tile.channels * taps * sources}u;
  let group = tile / ${channelTiles}u;
  let k = tile % ${channelTiles}u * ${tile.channels}u + i % ${tile.channels}u;
  packed[i] = select(0.0, weight[(${row}) * ${taps}u + tap], k < ${channels}u);`,
  };
}

function range(count: number): number[] {
  return [...Array(count).keys()];
}

function directWgsl(g: Geometry, kernel: Kernel): string {
  const { operands, tile, y, x, channels, sources, channelTiles, rowTiles, columnTiles, threads } = kernel;
  const taps = g.kernelHeight * g.kernelWidth, quads = tile.channels / 4;
  const kept = range(tile.channels), ragged = channels % tile.channels !== 0;
  const places = range(y.phases).flatMap((a) =>
    range(tile.rows).flatMap((r) => range(x.phases).flatMap((b) => range(tile.vectors).map((v) => ({ a, r, b, v }))))
  );
  const sum = ({ a, r, b, v }: typeof places[number], k: number) => `sum${a}_${r}_${b}_${v}_${k}`;
  const source = sourceLoads(y.sourceSize, x.sourceSize);

  const products = range(g.kernelHeight).flatMap((i) =>
    range(g.kernelWidth).map((j) => {
      const lines = places.flatMap((place) => {
        const dy = y.offsets[place.a].get(i), dx = x.offsets[place.b].get(j);
        if (dy === undefined || dx === undefined) return [];
        const row = place.r * y.step + dy;
        const values = range(4).map((c) => source.value(row, (4 * place.v + c) * x.step + dx));
        const updates = kept.map((k) => {
          const name = sum(place, k);
          return `${name} = fma(vec4<f32>(w${k >> 2}[${k & 3}]), v, ${name});`;
        });
        return [`{ let v = vec4<f32>(${values.join(", ")}); ${updates.join(" ")} }`];
      });
      const weights = range(quads).map((q) => `let w${q} = packed[row + ${(i * g.kernelWidth + j) * quads + q}u];`);
      return lines.length === 0 ? "" : `{ ${weights.join(" ")}\n      ${lines.join("\n      ")}\n    }`;
    })
  ).join("\n    ");

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
    ? `let place = (line + x) / 4u; ${guard("x")}{ result[place] = ${finishWgsl(operands, "value", "place", 4)}; }`
    : range(4).map((c) =>
      `${guard(`x + ${c}u`)}{ let place = line + x + ${c}u; result[place] = ${
        finishWgsl(operands, `value[${c}]`, "place")
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
