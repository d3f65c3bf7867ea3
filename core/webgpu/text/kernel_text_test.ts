/** The example of `docs/kernel_text.md` is what the code generates. */

import { assertEquals } from "@std/assert";
import { DEFAULT_PROFILE } from "../tuning/device_profile.ts";
import { KernelPolicy } from "../tuning/policy.ts";
import { mergeKernels } from "./merge.ts";
import { elementKernel } from "./wgsl.ts";

function elements(count: number) {
  return {
    count,
    declarations: `const SLOPE: f32 = 0.5f;
fn bend(v: vec4<f32>) -> vec4<f32> { return relu4(v) + SLOPE * v; }`,
    body: "y[i] = bend(x[i]);",
  };
}

Deno.test("docs/kernel_text.md shows the generated text of a kernel, and of two merged ones on float16", async () => {
  const page = await Deno.readTextFile(new URL("../../../docs/kernel_text.md", import.meta.url));
  const shown = [...page.matchAll(/```wgsl\n(.*?)\n```/gs)].map(([, text]) => text);
  const single = elementKernel(elements(25), [], DEFAULT_PROFILE.limits).wgsl;
  const buffers = (target: string) => [
    { name: "x", buffer: "x", size: 16, dtype: "f16" as const, vector: true },
    { name: "y", buffer: target, size: 16, dtype: "f16" as const, vector: true, write: true },
  ];
  const merged = mergeKernels(
    [
      { elements: elements(25), buffers: buffers("y") },
      { elements: elements(100), buffers: buffers("z") },
    ],
    DEFAULT_PROFILE.limits,
    new KernelPolicy(DEFAULT_PROFILE).mergeShape,
  ).text;
  assertEquals(shown, [single, merged]);
});
