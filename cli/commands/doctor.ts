/** `deno task doctor`: what this machine offers, whether it computes rightly, and which backend would be chosen. */

import {
  type Backend,
  compile,
  CpuBackend,
  decideBackend,
  f32,
  Graph,
  median,
  reportAdapter,
  requestAdapter,
  subgroupMatrices,
  subgroupSizes,
  VERSION,
  WebGpuBackend,
} from "../../core/mod.ts";
import { conv2d } from "../../ops/mod.ts";
import { defineCommand } from "../command.ts";
import { checkKernels, wrongAnswers } from "../doctor/check_kernels.ts";
import { driverAdvice, knownFaults } from "../doctor/drivers.ts";
import { GPU_NAMES, loadGpu } from "../gpu/load_gpu.ts";
import { GPU_OPTION } from "../options/shared_options.ts";
import { widthOf, wrapText } from "../reports/layout.ts";
import { PROGRAM } from "../program.ts";

/** The limits that decide what fits. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** The features that decide what Residua can do. */
const OFFERED = ["timestamp-query", "shader-f16", "subgroups"];

/** The implementations, as people know them. */
const IMPLEMENTATIONS: Readonly<Record<string, string>> = { deno: "Deno (wgpu)", dawn: "Dawn (npm's webgpu)" };

/** Waits whose median is told. */
const WAITS = 9;

/** `deno task doctor`. */
export const doctorCommand = defineCommand({
  name: "doctor",
  about: "Show the adapter, its driver and limits, check both backends, and say which would be chosen and why.",
  options: {
    gpu: { ...GPU_OPTION, group: "Device" },
    kernels: {
      kind: "flag",
      about: "hold every family of WebGPU kernels to known answers, which takes a minute; ends with 1 if one is wrong",
      default: false,
    },
  },
  examples: [
    ["", "what there is"],
    ["--kernels", "after a new driver, or where results look wrong"],
    ["--gpu dawn", "with the WebGPU of Chromium instead of Deno's"],
  ],
}, async ({ gpu, kernels }) => {
  console.log(
    `Residua ${VERSION}, Deno ${Deno.version.deno}, ${Deno.build.target}, ${navigator.hardwareConcurrency} cores`,
  );
  await reportWebGpu(gpu, kernels);
  const other = GPU_NAMES.find((name) => name !== gpu)!;
  console.log(`WebGPU by ${IMPLEMENTATIONS[other]}: ${PROGRAM} doctor --gpu ${other} tells`);
  const cpu = await CpuBackend.create();
  console.log(`CPU: ${cpu.description}\n  known answer: ${await knownAnswer(cpu)}`);
  cpu.destroy();
  const { backend, reason } = await decideBackend("auto", { gpu: await loadGpu(gpu) });
  console.log(`--backend auto takes ${backend}. ${reason}`);
});

/** What an implementation offers, and whether it computes rightly. */
async function reportWebGpu(implementation: string, kernels: boolean): Promise<void> {
  const gpu = await loadGpu(implementation), adapter = await requestAdapter({ gpu });
  const title = `WebGPU by ${IMPLEMENTATIONS[implementation]}`;
  if (adapter === undefined) {
    console.log(`${title}: no adapter, since there is no driver that it can use. What to install:`);
    for (const { system, advice } of driverAdvice(Deno.build.os)) {
      console.log(wrapText(`  ${system}: ${advice}`, widthOf(), "    "));
    }
    return;
  }
  const { name, software, features } = reportAdapter(adapter),
    { vendor, device, description, architecture } = adapter.info;
  console.log(`${title}: ${name} (${software ? "software" : "hardware"})`);
  console.log(
    `  vendor ${vendor || "?"}, device ${device || "?"}, architecture ${architecture || "?"}, driver ${
      description || "?"
    }`,
  );
  for (const fault of knownFaults(name)) {
    console.log(wrapText(`  known of this driver: ${fault}`, widthOf(), "    "));
  }
  for (const limit of LIMITS) console.log(`  ${limit} ${adapter.limits[limit].toLocaleString("en")}`);
  const offers = OFFERED.map((feature) => `${feature} ${features.includes(feature) ? "yes" : "no"}`);
  console.log(`  what Residua can use: ${offers.join(", ")}`);
  if (features.includes("subgroups")) console.log(`  subgroups of ${sizesText(adapter)} threads`);
  console.log(`  subgroup matrices ${matricesText(adapter)}`);
  console.log(`  features ${features.join(", ")}`);
  const backend = await WebGpuBackend.create({ gpu });
  try {
    console.log(`  known answer: ${await knownAnswer(backend)}`);
    console.log(`  subgroups: ${backend.subgroups.whyNoSubgroups ?? "yes, they give the known answers"}`);
    console.log(
      `  products by subgroup matrices: ${backend.subgroups.whyNoMatrix ?? "yes, they give the known answers"}`,
    );
    console.log(`  mixed precision: ${await backend.whyNoFloat16() ?? "yes, float16 gives the known answers"}`);
    console.log(`  waiting for an empty submit takes ${(await emptySubmit(backend)).toFixed(2)} ms`);
    if (kernels) console.log(`  kernels: ${await kernelText(backend)}`);
  } finally {
    backend.destroy();
  }
}

/** How many threads share a subgroup, by the least and the most. */
function sizesText(adapter: GPUAdapter): string {
  const sizes = subgroupSizes(adapter);
  return sizes === undefined ? "an unknown number of" : [...new Set(sizes)].join(" to ");
}

/** The products of subgroup matrices that an adapter reports. */
function matricesText(adapter: GPUAdapter): string {
  return subgroupMatrices(adapter).map(({ M, N, K, componentType, resultComponentType }) =>
    `${M}x${N}x${K} of ${componentType} in ${resultComponentType}`
  ).join(", ") || "none";
}

/** The median of some waits for work that is none, in milliseconds. */
async function emptySubmit(backend: WebGpuBackend): Promise<number> {
  const waits: number[] = [];
  for (let k = 0; k < WAITS; k++) {
    const started = performance.now();
    backend.device.queue.submit([]);
    await backend.finish();
    waits.push(performance.now() - started);
  }
  return median(waits);
}

/** How many kernels give known answers. */
async function kernelText(backend: WebGpuBackend): Promise<string> {
  const started = performance.now(), { ops, right, wrong } = await checkKernels(backend);
  if (wrong.length > 0) throw wrongAnswers(backend.adapter.name, wrong);
  return `right, ${right} results of ${ops} ops, in ${((performance.now() - started) / 1000).toFixed(0)} s`;
}

/** A 3x3 convolution of 1 to 16 by ones, padded: its sum and its middle are known by hand. */
async function knownAnswer(backend: Backend): Promise<string> {
  const graph = new Graph();
  const inputs = [graph.input("x", f32([1, 1, 4, 4])), graph.input("w", f32([1, 1, 3, 3]))];
  const [y] = conv2d.apply(graph, inputs, { padding: [1, 1] });
  const program = await compile(graph, backend, { outputs: { y }, poison: true });
  program.write("x", Float32Array.from({ length: 16 }, (_, i) => i + 1));
  program.write("w", new Float32Array(9).fill(1));
  const started = performance.now();
  program.run();
  const result = await program.read("y");
  const milliseconds = performance.now() - started;
  program.destroy();
  const right = result[0] === 14 && result[5] === 54 && result[10] === 99 && result[15] === 54;
  if (right) return `right, in ${milliseconds.toFixed(1)} ms`;
  throw wrongAnswers(backend.description, [`a convolution of 1 to 16 by ones is ${[...result].join(", ")}`]);
}
