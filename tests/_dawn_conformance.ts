/**
 * The process of `dawn_test.ts` that holds kernels on Dawn to float64: families that join values by subgroups, and products and
 * convolutions of the variants that SwiftShader compiles in seconds; with RESIDUA_TEST=all every family of these ops too. It
 * prints what it has checked.
 */

import {
  checkOp,
  compile,
  f32,
  Graph,
  listOps,
  type Op,
  Random,
  type Sample,
  type VariantChooser,
  WebGpuBackend,
  type WebGpuVariant,
} from "../core/mod.ts";
import { channelSum } from "../ops/mod.ts";
import { loadGpu } from "../cli/gpu/load_gpu.ts";
import { ALL } from "./_all.ts";

/** What is checked of an op: those of its samples, and of their variants, that a condition takes. Defaults to all. */
interface Part {
  readonly op: string;
  readonly samples?: (sample: Sample) => boolean;
  readonly variants?: RegExp;
}

/** Takes a sample by the shape of its first input. */
const hasShape = (...shape: number[]) => ({ inputs: [{ shape: own }] }: Sample) => own.join() === shape.join();
/** More than a vector of rows, and an odd number of classes; loops over 100 classes take SwiftShader a minute to compile. */
const isFewClasses = ({ inputs: [{ shape: [, classes] }] }: Sample) => classes === 3 || classes === 7;

const PARTS: readonly Part[] = [
  { op: "batchNorm" },
  { op: "batchNormAddRelu", samples: hasShape(3, 6, 9, 9), variants: /subgroups/ },
  { op: "batchNormGradient" },
  { op: "batchNormRelu6Gradient", variants: /(two|three) kernels of (sub|work)groups/ },
  { op: "softmaxCrossEntropy", samples: isFewClasses },
  { op: "softTargetCrossEntropy", samples: isFewClasses, variants: /subgroups/ },
  { op: "topKCorrect", samples: hasShape(130, 5), variants: /subgroups/ },
  { op: "nonFinite", samples: ({ inputs }) => inputs.length === 37, variants: /subgroups/ },
  { op: "channelSum", variants: /subgroups/ },
  { op: "addSquares", samples: hasShape(3, 30_011) },
  { op: "linear", samples: hasShape(3, 7), variants: /naive|registers 4x4|64x64x4 8x8$/ },
  { op: "linear", variants: /broadcasts/ },
  { op: "conv2d", samples: hasShape(2, 3, 7, 9), variants: /naive|64x64x4 8x8$/ },
];

function narrowed(op: Op, { samples, variants }: Part): Op {
  const keep = (all: readonly WebGpuVariant[]) => all.filter(({ name }) => variants?.test(name) ?? true);
  return {
    ...op,
    samples: () => op.samples().filter((sample) => samples?.(sample) ?? true),
    webgpu(spec) {
      const implementation = op.webgpu!(spec);
      return { ...implementation, variants: (device) => keep(implementation.variants(device)) };
    },
  };
}

const backend = await WebGpuBackend.create({ gpu: await loadGpu("dawn") });
const checked: string[] = [];
const named = (name: string) => listOps().find((op) => op.name === name)!;
const parts = PARTS.map((part) => narrowed(named(part.op), part));
const whole = ALL ? [...new Set(PARTS.map(({ op }) => op))].map(named) : [];
for (const op of [...parts, ...whole]) {
  await checkOp(op, {
    backends: [backend],
    seed: 2,
    variants: "covering",
    rules: false,
    async step(name, run) {
      await run();
      checked.push(name);
    },
  });
}

/** The bits of sums by subgroups, three times. */
async function sumsBySubgroups(): Promise<Uint32Array[]> {
  const graph = new Graph(), [y] = channelSum.apply(graph, [graph.input("x", f32([3, 5, 31, 33]))]);
  const chooseVariant: VariantChooser = (_node, all) => all.findIndex(({ name }) => name.includes("subgroups"));
  const program = await compile(graph, backend, { outputs: { y }, chooseVariant });
  const random = new Random(7, "sums"), bits: Uint32Array[] = [];
  program.write("x", Float32Array.from({ length: 3 * 5 * 31 * 33 }, () => random.normal()));
  for (let run = 0; run < 3; run++) {
    program.run();
    bits.push(new Uint32Array((await program.read("y") as Float32Array).slice().buffer));
  }
  program.destroy();
  return bits;
}

const [first, ...others] = await sumsBySubgroups();
const repeats = others.every((bits) => bits.every((word, k) => word === first[k]));
await backend.finish();
backend.destroy();
console.log(JSON.stringify({ whyNoSubgroups: backend.subgroups.whyNoSubgroups, checked, repeats }));
