/**
 * The register-tiled WebGPU kernel of a convolution's weight gradient. A thread sums all taps of some output and some
 * input channels over a part of the output rows of all images, some adjacent columns at a time. Where loads are slow, what
 * the next columns meet again of the input stays in registers. Where textures make them faster than that, there is but one
 * loop, since lavapipe blends every sum with its old value at the end of each.
 */

import { linearWorkgroups, type WebGpuKernel, type WebGpuLimits } from "../../../core/mod.ts";
import type { ConvolutionProblem } from "../problem.ts";

/** The register tile of a thread. */
export interface WeightTile {
  /** Output channels: a multiple of four, whose sums are vectors; or one, whose sums are vectors over the columns. */
  readonly outputs: number;
  /** Input channels. */
  readonly inputs: number;
  /** Vectors of four adjacent columns at a time, a divisor of those of a line of output; 1 unless given. */
  readonly vectors?: number;
  /** Whether both images are read through textures; their lines must be whole vectors. */
  readonly texels?: boolean;
}

const WORKGROUP = 64;

/** Threads of a part. */
export function threadsOfPart(g: ConvolutionProblem, { outputs, inputs }: WeightTile): number {
  return g.groups * Math.ceil(g.groupOutputs / outputs) * Math.ceil(g.groupInputs / inputs);
}

/** Loop iterations that a line of output takes. */
export function iterationsOfLine(g: ConvolutionProblem, { vectors = 1, texels = false }: WeightTile): number {
  const steps = Math.ceil(g.outputWidth / (4 * vectors));
  return texels ? steps : steps + 1;
}

/** The pass that writes the sums of each part to `partial` [parts, weights]. */
export function partialSumsPass(
  g: ConvolutionProblem,
  limits: WebGpuLimits,
  tile: WeightTile,
  parts: number,
  partial: number,
): WebGpuKernel {
  const threads = threadsOfPart(g, tile) * parts;
  return {
    wgsl: partialSumsWgsl(g, tile, parts, threads),
    bindings: [
      { name: "x", index: 0, vector: g.width % 4 === 0, texels: tile.texels },
      { name: "dy", index: 1, vector: g.outputWidth % 4 === 0, texels: tile.texels },
      { name: "partial", index: partial, write: true },
    ],
    workgroups: linearWorkgroups(threads, limits, WORKGROUP),
  };
}

function range(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/**
 * What a thread holds of a line of the input: units at distances `first` to `last` from that of the column it is at. A unit
 * is a vector of four where lines are whole vectors, else an element. A step of some vectors of outputs moves by `step` units.
 */
interface Window {
  readonly size: 1 | 4;
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

function windowOf(g: ConvolutionProblem, vectors: number): Window {
  const size = g.width % 4 === 0 ? 4 : 1, step = 4 * vectors * g.stride[1] / size;
  const least = -g.padding[1],
    most = (4 * vectors - 1) * g.stride[1] + (g.kernelWidth - 1) * g.dilation[1] - g.padding[1];
  return { size, first: Math.floor(least / size), last: Math.floor(most / size), step };
}

function partialSumsWgsl(g: ConvolutionProblem, tile: WeightTile, parts: number, threads: number): string {
  const taps = g.kernelHeight * g.kernelWidth, weights = g.groups * g.groupOutputs * g.groupInputs * taps;
  const outputTiles = Math.ceil(g.groupOutputs / tile.outputs), inputTiles = Math.ceil(g.groupInputs / tile.inputs);
  const lines = g.batch * g.outputHeight, share = Math.ceil(lines / parts), positions = g.outputHeight * g.outputWidth;
  const { vectors = 1, texels = false } = tile, places = range(4 * vectors);
  const segments = g.outputWidth / (4 * vectors), single = texels && segments === 1;
  const window = windowOf(g, vectors), units = range(window.last - window.first + 1, window.first);
  const alone = tile.outputs === 1;
  const [outputs, quads, inputs] = [range(tile.outputs), range(Math.ceil(tile.outputs / 4)), range(tile.inputs)];
  const rows = range(g.kernelHeight), columns = range(g.kernelWidth);
  const label = (unit: number) => String(unit).replace("-", "m");
  const unit = (c: number, i: number, u: number) => `x${c}_${i}_${label(u)}`;
  // Where a step is a whole line, what lies outside of it is zero and never loaded.
  const isLoaded = (u: number) => !single || (u >= 0 && u * window.size < g.width);
  const isReused = (u: number) => !texels && u + window.step <= window.last;
  const held = inputs.flatMap((c) => rows.flatMap((i) => units.filter(isLoaded).map((u) => ({ c, i, u }))));
  const load = ({ c, i, u }: typeof held[number], at: string) =>
    `${unit(c, i, u)} = loadX(line${c} + row${i}, inside${i}, ${at} + ${u * window.size});`.replace("+ -", "- ");
  const element = (c: number, i: number, column: number) => {
    const u = Math.floor(column / window.size);
    if (!isLoaded(u)) return "0.0";
    return window.size === 1 ? unit(c, i, u) : `${unit(c, i, u)}[${column - 4 * u}]`;
  };
  const accumulator = (q: number, c: number, tap: number) => `sum${q}_${c}_${tap}`;
  const sums = quads.flatMap((q) => inputs.flatMap((c) => range(taps).map((tap) => ({ q, c, tap }))));
  const output = (k: number) =>
    g.groupOutputs % tile.outputs === 0 ? `firstOutput + ${k}u` : `min(firstOutput + ${k}u, ${g.groupOutputs - 1}u)`;
  const input = (c: number) =>
    g.groupInputs % tile.inputs === 0 ? `firstInput + ${c}u` : `min(firstInput + ${c}u, ${g.groupInputs - 1}u)`;

  const products = inputs.flatMap((c) =>
    rows.flatMap((i) =>
      columns.map((j) => {
        const tap = i * g.kernelWidth + j;
        const met = (column: number) => element(c, i, column * g.stride[1] + j * g.dilation[1] - g.padding[1]);
        if (alone) {
          const sum = accumulator(0, c, tap);
          return range(vectors).map((v) =>
            `${sum} = fma(dy0_${v}, vec4<f32>(${range(4, 4 * v).map(met).join(", ")}), ${sum});`
          ).join(" ");
        }
        return places.map((column) => {
          const updates = quads.map((q) => {
            const sum = accumulator(q, c, tap);
            return `${sum} = fma(d${q}_${column}, v, ${sum});`;
          });
          return `{ let v = vec4<f32>(${met(column)}); ${updates.join(" ")} }`;
        }).join(" ");
      })
    )
  );
  const stores = sums.flatMap(({ q, c, tap }) =>
    range(Math.min(4, tile.outputs)).map((k) => {
      const o = 4 * q + k,
        total = alone ? `dot(${accumulator(q, c, tap)}, vec4<f32>(1.0))` : `${accumulator(q, c, tap)}[${k}]`;
      const place =
        `((group * ${g.groupOutputs}u + firstOutput + ${o}u) * ${g.groupInputs}u + firstInput + ${c}u) * ${taps}u + ${tap}u`;
      const conditions = [
        ...(g.groupOutputs % tile.outputs === 0 ? [] : [`firstOutput + ${o}u < ${g.groupOutputs}u`]),
        ...(g.groupInputs % tile.inputs === 0 ? [] : [`firstInput + ${c}u < ${g.groupInputs}u`]),
      ];
      const target = `partial[part * ${weights}u + ${place}] = ${total};`;
      return conditions.length === 0 ? target : `if (${conditions.join(" && ")}) { ${target} }`;
    })
  );
  const type = window.size === 4 ? "vec4<f32>" : "f32", from = `part * ${share}u`;
  const [end, lineLoop, columnLoop] = texels
    ? [
      `min((part + 1u) * ${share}u, ${lines}u) * ${segments}u`,
      `for (var segment = ${from} * ${segments}u; segment < end; segment++) { let line = segment / ${segments}u;`,
      `{ let ox = ${single ? "0u" : `segment % ${segments}u * ${4 * vectors}u`};`,
    ]
    : [
      `min((part + 1u) * ${share}u, ${lines}u)`,
      `for (var line = ${from}; line < end; line++) {`,
      `for (var ox = 0u; ox < ${g.outputWidth}u; ox += ${4 * vectors}u) {`,
    ];
  return `${loadX(g, window, tile)}
${loadDy(g, tile)}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  var thread = id.y * (groups.x * ${WORKGROUP}u) + id.x;
  if (thread >= ${threads}u) { return; }
  let firstInput = thread % ${inputTiles}u * ${tile.inputs}u; thread /= ${inputTiles}u;
  let firstOutput = thread % ${outputTiles}u * ${tile.outputs}u; thread /= ${outputTiles}u;
  let group = thread % ${g.groups}u;
  let part = thread / ${g.groups}u;
  ${sums.map(({ q, c, tap }) => `var ${accumulator(q, c, tap)} = vec4<f32>();`).join(" ")}
  ${held.map(({ c, i, u }) => `var ${unit(c, i, u)}: ${type};`).join(" ")}
  let end = ${end};
  ${lineLoop}
    let image = line / ${g.outputHeight}u;
    let oy = line % ${g.outputHeight}u;
    let planes = (image * ${g.groups}u + group) * ${g.groupInputs}u;
    ${inputs.map((c) => `let line${c} = (planes + ${input(c)}) * ${g.height * g.width}u;`).join(" ")}
    ${
    rows.map((i) =>
      `let y${i} = i32(oy * ${g.stride[0]}u) + ${i * g.dilation[0] - g.padding[0]};
    let inside${i} = y${i} >= 0 && y${i} < ${g.height}; let row${i} = u32(clamp(y${i}, 0, ${
        g.height - 1
      })) * ${g.width}u;`
        .replace("+ -", "- ")
    ).join("\n    ")
  }
    let outputPlanes = (image * ${g.groups}u + group) * ${g.groupOutputs}u;
    ${
    outputs.map((k) => `let line${k}Dy = (outputPlanes + ${output(k)}) * ${positions}u + oy * ${g.outputWidth}u;`).join(
      " ",
    )
  }
    ${
    // The first step finds in the carried units what a step before it would have left there.
    held.filter(({ u }) => isReused(u)).map((place) => load(place, "0")).join("\n    ")}
    ${columnLoop}
      let x0 = i32(ox * ${g.stride[1]}u);
      ${held.filter(({ u }) => !isReused(u)).map((place) => load(place, "x0")).join("\n      ")}
      ${
    outputs.flatMap((k) => range(vectors).map((v) => `let dy${k}_${v} = loadDy(line${k}Dy, ox + ${4 * v}u);`)).join(" ")
  }
      ${
    (alone ? [] : quads).flatMap((q) =>
      places.map((column) =>
        `let d${q}_${column} = vec4<f32>(${
          range(4).map((k) => `dy${4 * q + k}_${column >> 2}[${column & 3}]`).join(", ")
        });`
      )
    ).join(" ")
  }
      ${products.join("\n      ")}
      ${
    held.filter(({ u }) => isReused(u)).map(({ c, i, u }) => `${unit(c, i, u)} = ${unit(c, i, u + window.step)};`)
      .join(" ")
  }
    }
  }
  ${stores.join("\n  ")}
}`;
}

/** A unit of an input line; what lies outside is zero. */
function loadX(g: ConvolutionProblem, { size }: Window, { texels }: WeightTile): string {
  const [type, zero] = size === 4 ? ["vec4<f32>", "vec4<f32>()"] : ["f32", "0.0"];
  const [open, close] = texels ? "()" : "[]";
  const index = `line + u32(clamp(column, 0, ${g.width - size}))`;
  return `fn loadX(line: u32, inside: bool, column: i32) -> ${type} {
  return select(${zero}, x${open}${
    size === 4 ? `(${index}) / 4u` : index
  }${close}, inside && column >= 0 && column < ${g.width});
}`;
}

/** Four adjacent outputs' gradients; beyond the line's end they are zero. */
function loadDy(g: ConvolutionProblem, { texels }: WeightTile): string {
  if (texels) return "fn loadDy(line: u32, x: u32) -> vec4<f32> { return dy((line + x) / 4u); }";
  if (g.outputWidth % 4 === 0) return "fn loadDy(line: u32, x: u32) -> vec4<f32> { return dy[(line + x) / 4u]; }";
  const at = (k: number) =>
    `select(0.0, dy[line + min(x + ${k}u, ${g.outputWidth - 1}u)], x + ${k}u < ${g.outputWidth}u)`;
  return `fn loadDy(line: u32, x: u32) -> vec4<f32> {
  return vec4<f32>(${range(4).map(at).join(", ")});
}`;
}
