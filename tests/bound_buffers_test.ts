/** No kernel binds more buffers than a device has to offer, be it one of WebGPU's least limits. */

import { DEVICE_PROFILES, listOps } from "../core/mod.ts";
import "../ops/mod.ts";
import { assert, assertEquals } from "@std/assert";
import { choiceOf } from "./_choices.ts";

Deno.test("kernels of all variants bind as many buffers as every device of WebGPU can", () => {
  const device = DEVICE_PROFILES.default, most = device.limits.maxStorageBuffersPerShaderStage, found: string[] = [];
  assertEquals(most, 8);
  let kernels = 0;
  for (const op of listOps()) {
    for (const { inputs, attributes } of op.samples()) {
      if (op.webgpu === undefined) continue;
      const { variants } = choiceOf(op, inputs, { ...op.attributes, ...attributes as typeof op.attributes }, device);
      for (const { name, kernels: all } of variants) {
        for (const { bindings } of all) {
          kernels++;
          if (bindings.length > most) found.push(`${op.name}, ${name}: ${bindings.length}`);
        }
      }
    }
  }
  assertEquals([...new Set(found)], []);
  assert(kernels > 1000, `${kernels}`);
});
