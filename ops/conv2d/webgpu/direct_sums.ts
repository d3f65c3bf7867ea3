/**
 * The text of the direct kernel: the sums of a tile of rows, columns and channels, four adjacent columns of a residue
 * (`strided_axis.ts`) in a vector. Taps are unrolled.
 */

import { range, storeOfFour, vec4 } from "../../../kernels/mod.ts";
import { epilogueWgsl } from "../epilogue.ts";
import type { DirectKernel } from "./direct.ts";
import { requestVector, type SourceLoads, sourceLoads } from "./source_loads.ts";

/** The text of the kernel that sums all sources and taps of a tile. */
export function directSumsWgsl(kernel: DirectKernel, workgroup: number): string {
  const { convolution, tile, y, x, channelTiles, rowTiles, columnTiles, threads } = kernel;
  const { groups, channels, sources, taps } = convolution;
  const loads = sourceLoads(
    { size: y.sourceSize, last: (rowTiles - 1) * tile.rows * y.step },
    { size: x.sourceSize, last: (columnTiles - 1) * 4 * tile.vectors * x.step },
    tile.viaTexture,
  );
  // Written before the loads, which are what they request.
  const products = tile.viaTexture ? addBySum(kernel, loads) : addByTap(kernel, loads);
  return `var<private> image: u32;
${loads.functions}
${storeWgsl(kernel)}
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32,
  @builtin(num_workgroups) groups: vec3<u32>) {
  let group = id.y / ${channelTiles}u;
  let firstChannel = id.y % ${channelTiles}u * ${tile.channels}u;
  let thread = (id.z * groups.x + id.x) * ${workgroup}u + lane;
  if (thread >= ${threads}u) { return; }
  let columnTile = thread % ${columnTiles}u;
  let rowTile = thread / ${columnTiles}u % ${rowTiles}u;
  image = thread / ${columnTiles * rowTiles}u;
  let x = columnTile * ${4 * tile.vectors * x.residues}u;
  let y = rowTile * ${tile.rows * y.residues}u;
  let firstColumn = i32(columnTile * ${4 * tile.vectors * x.step}u);
  let firstRow = i32(rowTile * ${tile.rows * y.step}u);
  ${declareSums(kernel)}
  for (var s = 0u; s < ${sources}u; s++) {
    let plane = ((image * ${groups}u + group) * ${sources}u + s) * ${y.sourceSize * x.sourceSize}u;
    let row = (id.y * ${sources}u + s) * ${taps * tile.channels / 4}u;
    ${loads.statements().join("\n    ")}
    ${products}
  }
  let channel = group * ${channels}u + firstChannel;
  ${storeSums(kernel)}
}`;
}

/** A vector of results of a tile, for each of its channels: its residues, its row, and its vector of columns. */
interface Slot {
  readonly rowResidue: number;
  readonly row: number;
  readonly columnResidue: number;
  readonly vector: number;
}

function slotsOf({ tile, y, x }: DirectKernel): Slot[] {
  const slots: Slot[] = [];
  for (const rowResidue of range(y.residues)) {
    for (const row of range(tile.rows)) {
      for (const columnResidue of range(x.residues)) {
        for (const vector of range(tile.vectors)) slots.push({ rowResidue, row, columnResidue, vector });
      }
    }
  }
  return slots;
}

/** The name of the sum of a slot and a channel of the tile. */
function sumName({ rowResidue, row, columnResidue, vector }: Slot, k: number): string {
  return `sum${rowResidue}_${row}_${columnResidue}_${vector}_${k}`;
}

/** The sums, which begin with the bias. */
function declareSums(kernel: DirectKernel): string {
  const { convolution: { groups, channels, operands }, tile } = kernel, ks = range(tile.channels);
  const bias = (k: number) => `bias[min(group * ${channels}u + firstChannel + ${k}u, ${groups * channels - 1}u)]`;
  const first = (k: number) => `let first${k} = vec4<f32>(${operands.bias === undefined ? "0.0" : bias(k)});`;
  const slot = (slot: Slot) => ks.map((k) => `var ${sumName(slot, k)} = first${k};`).join(" ");
  return `${ks.map(first).join(" ")}\n  ${slotsOf(kernel).map(slot).join("\n  ")}`;
}

/** Loads the weights of a tap: those of four channels in a vector. */
function loadWeights({ tile }: DirectKernel, tap: number): string {
  const quads = tile.channels / 4;
  const weight = (q: number) => {
    const index = `row + ${tap * quads + q}u`;
    return `let w${tap}_${q} = ${tile.viaTexture ? `packed(${index})` : `packed[${index}]`};`;
  };
  return range(quads).map(weight).join(" ");
}

/** The weight of a tap and a channel of the tile, as a vector. */
function weightOf(tap: number, k: number): string {
  return `vec4<f32>(w${tap}_${k >> 2}[${k & 3}])`;
}

/** A vector of the source, with a name that is the same for the same vector. */
interface SourceVector {
  readonly name: string;
  readonly value: string;
}

/** The vector of the source that a slot meets at a tap of the packed weights, if it meets any. */
function sourceVector(
  { convolution: { direction, taps, kernelSize: [, kernelWidth] }, y, x }: DirectKernel,
  loads: SourceLoads,
  slot: Slot,
  packedTap: number,
): SourceVector | undefined {
  const tap = direction === "forward" ? packedTap : taps - 1 - packedTap;
  const dy = y.offsets[slot.rowResidue].get(Math.floor(tap / kernelWidth));
  const dx = x.offsets[slot.columnResidue].get(tap % kernelWidth);
  if (dy === undefined || dx === undefined) return undefined;
  const row = slot.row * y.step + dy, column = 4 * slot.vector * x.step + dx;
  return { name: `v${row}_${column}`.replaceAll("-", "m"), value: requestVector(loads, row, column, x.step) };
}

/** Adds the products of a source tap by tap, so that few vectors and weights are held at a time. */
function addByTap(kernel: DirectKernel, loads: SourceLoads): string {
  const slots = slotsOf(kernel), ks = range(kernel.tile.channels);
  const addSlot = (slot: Slot, tap: number): string[] => {
    const vector = sourceVector(kernel, loads, slot, tap);
    if (vector === undefined) return [];
    const updates = ks.map((k) => `${sumName(slot, k)} = fma(${weightOf(tap, k)}, v, ${sumName(slot, k)});`);
    return [`{ let v = ${vector.value}; ${updates.join(" ")} }`];
  };
  const addTap = (tap: number): string => {
    const lines = slots.flatMap((slot) => addSlot(slot, tap));
    return lines.length === 0 ? "" : `{ ${loadWeights(kernel, tap)}\n      ${lines.join("\n      ")}\n    }`;
  };
  return range(kernel.convolution.taps).map(addTap).join("\n    ");
}

/** Adds the products of a source sum by sum, each sum written once: for loads that cost little. */
function addBySum(kernel: DirectKernel, loads: SourceLoads): string {
  const slots = slotsOf(kernel), taps = range(kernel.convolution.taps);
  const vectors = new Map<string, string>(), weights = new Set<string>();
  for (const slot of slots) {
    for (const tap of taps) {
      const vector = sourceVector(kernel, loads, slot, tap);
      if (vector !== undefined) vectors.set(vector.name, vector.value);
    }
  }
  const addSum = (slot: Slot, k: number): string => {
    const lines: string[] = [];
    let sum = sumName(slot, k);
    for (const tap of taps) {
      const vector = sourceVector(kernel, loads, slot, tap), weight = `f${tap}_${k}`;
      if (vector === undefined) continue;
      // Declared once for all slots: the more expressions, the longer a text takes to compile.
      if (!weights.has(weight)) lines.push(`let ${weight} = ${weightOf(tap, k)};`);
      weights.add(weight);
      sum = `fma(${weight}, ${vector.name}, ${sum})`;
    }
    return [...lines, `${sumName(slot, k)} = ${sum};`].join(" ");
  };
  return [
    taps.map((tap) => loadWeights(kernel, tap)).join(" "),
    ...[...vectors].map(([name, value]) => `let ${name} = ${value};`),
    ...slots.flatMap((slot) => range(kernel.tile.channels).map((k) => addSum(slot, k))),
  ].join("\n    ");
}

/** `store(channel, y, x, value)`: four adjacent results of the image, as far as they are inside. */
function storeWgsl({ convolution: { groups, channels, operands }, tile, y, x }: DirectKernel): string {
  const rowsFit = y.size % (tile.rows * y.residues) === 0;
  const columnsFit = x.size % (4 * tile.vectors * x.residues) === 0;
  const store = storeOfFour({
    target: "result",
    start: "line + x",
    vector: x.size % 4 === 0,
    guard: (c) => columnsFit ? "" : `if (x${c === undefined ? "" : ` + ${c}u`} < ${x.size}u) `,
    epilogue: (value, index, size) => epilogueWgsl(operands, value, index, size),
  });
  return `fn store(channel: u32, y: u32, x: u32, value: vec4<f32>) {
  ${rowsFit ? "" : `if (y >= ${y.size}u) { return; }`}
  let line = ((image * ${groups * channels}u + channel) * ${y.size}u + y) * ${x.size}u;
  ${store}
}`;
}

/** Stores the tile. Columns of the residues alternate. */
function storeSums({ convolution: { channels }, tile, y, x }: DirectKernel): string {
  const lines: string[] = [];
  const element = (rowResidue: number, row: number, k: number, column: number): string => {
    const ofResidue = Math.floor(column / x.residues);
    const slot = { rowResidue, row, columnResidue: column % x.residues, vector: ofResidue >> 2 };
    return `${sumName(slot, k)}[${ofResidue & 3}]`;
  };
  for (const k of range(tile.channels)) {
    for (const rowResidue of range(y.residues)) {
      for (const row of range(tile.rows)) {
        for (const u of range(tile.vectors * x.residues)) {
          const value = vec4(range(4, 4 * u).map((column) => element(rowResidue, row, k, column)));
          const store = `store(channel + ${k}u, y + ${row * y.residues + rowResidue}u, x + ${4 * u}u, ${value});`;
          const ragged = channels % tile.channels !== 0;
          lines.push(ragged ? `if (firstChannel + ${k}u < ${channels}u) { ${store} }` : store);
        }
      }
    }
  }
  return lines.join("\n  ");
}
