/** Compiles the shaders of a file, a list of texts as JSON, and marks on stderr where what the driver says of each begins. */

import { marker } from "./listing.ts";

const texts: string[] = JSON.parse(await Deno.readTextFile(Deno.args[0]));
const adapter = await navigator.gpu.requestAdapter();
if (adapter === null) throw new Error("No adapter of WebGPU");
const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup, maxStorageBuffersPerShaderStage } =
  adapter.limits;
const device = await adapter.requestDevice({
  requiredLimits: {
    maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup,
    maxStorageBuffersPerShaderStage,
  },
  requiredFeatures: adapter.features.has("shader-f16") ? ["shader-f16"] : [],
});
console.log(adapter.info.description);
const encoder = new TextEncoder();
for (const [number, code] of texts.entries()) {
  Deno.stderr.writeSync(encoder.encode(`\n${marker(number)}\n`));
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code });
  device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const error = await device.popErrorScope();
  if (error !== null) throw new Error(`shader ${number}: ${error.message}`);
}
Deno.exit(0);
