/** `deno task doctor`: what this machine offers, whether it computes rightly, and which backend would be chosen. */

import {
  type Backend,
  compile,
  CpuBackend,
  decideBackend,
  f32,
  Graph,
  reportAdapter,
  requestAdapter,
  VERSION,
  WebGpuBackend,
} from "../../core/mod.ts";
import { conv2d } from "../../ops/mod.ts";
import { defineCommand } from "../command.ts";
import { checkKernels, wrongAnswers } from "../doctor/check_kernels.ts";

/** The limits that decide what fits. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** `deno task doctor`. */
export const doctorCommand = defineCommand({
  name: "doctor",
  about: "Show the adapter, its driver and limits, check both backends, and say which would be chosen and why.",
  options: {
    kernels: {
      kind: "flag",
      about: "hold every family of WebGPU kernels to known answers, which takes a minute; ends with 1 if one is wrong",
      default: false,
    },
  },
  examples: [["", "what there is"], ["--kernels", "after a new driver, or where results look wrong"]],
}, async ({ kernels }) => {
  console.log(
    `Residua ${VERSION}, Deno ${Deno.version.deno}, ${Deno.build.target}, ${navigator.hardwareConcurrency} cores`,
  );
  const adapter = await requestAdapter();
  if (adapter === undefined) {
    console.log("WebGPU: no adapter; install a Vulkan, Metal or Direct3D 12 driver to use a GPU");
  } else {
    const { name, software, features } = reportAdapter(adapter),
      { vendor, device, description, architecture } = adapter.info;
    console.log(`WebGPU: ${name} (${software ? "software" : "hardware"})`);
    console.log(
      `  vendor ${vendor || "?"}, device ${device || "?"}, architecture ${architecture || "?"}, driver ${
        description || "?"
      }`,
    );
    for (const limit of LIMITS) console.log(`  ${limit} ${adapter.limits[limit].toLocaleString("en")}`);
    console.log(`  features ${features.join(", ")}`);
    const backend = await WebGpuBackend.create();
    console.log(`  known answer: ${await knownAnswer(backend)}`);
    console.log(`  mixed precision: ${await backend.whyNoFloat16() ?? "yes, float16 gives the known answers"}`);
    try {
      if (kernels) console.log(`  kernels: ${await kernelText(backend)}`);
    } finally {
      backend.destroy();
    }
  }
  const cpu = await CpuBackend.create();
  console.log(`CPU: ${cpu.description}\n  known answer: ${await knownAnswer(cpu)}`);
  cpu.destroy();
  const { backend, reason } = await decideBackend("auto");
  console.log(`--backend auto takes ${backend}. ${reason}`);
});

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
