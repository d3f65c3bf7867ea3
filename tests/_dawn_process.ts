/**
 * The process of `dawn_test.ts`: prints the losses of some steps on Dawn, whether sums by subgroups repeat, and how often the
 * addon asked whether the device was done.
 */

import { compile, f32, Graph, openBackend, Random, type VariantChooser, type WebGpuBackend } from "../core/mod.ts";
import { channelSum } from "../ops/mod.ts";
import { loadGpu } from "../cli/gpu/load_gpu.ts";
import { losses, SMALL } from "./_training.ts";

const gpu = await loadGpu("dawn"), { setImmediate } = globalThis;
let questions = 0;
globalThis.setImmediate = ((...args: Parameters<typeof setImmediate>) => {
  questions++;
  return setImmediate(...args);
}) as typeof setImmediate;

/** The bits of sums by subgroups, three times. */
async function sumsBySubgroups(backend: WebGpuBackend): Promise<Uint32Array[]> {
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

// The backend alone keeps the implementation.
const backend = await openBackend("webgpu", { gpu }) as WebGpuBackend, started = performance.now();
const given = await losses(backend, SMALL, 3, 0.05), { whyNoSubgroups } = backend.subgroups;
const questionsPerSecond = 1e3 * questions / (performance.now() - started);
const [first, ...others] = whyNoSubgroups === undefined ? await sumsBySubgroups(backend) : [];
const repeats = others.every((bits) => bits.every((word, k) => word === first[k]));
await backend.finish();
backend.destroy();
console.log(JSON.stringify({ losses: given, questionsPerSecond, whyNoSubgroups, repeats }));
