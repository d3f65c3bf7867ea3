/** Tests of the text of merged kernels. */

import { assert, assertEquals } from "@std/assert";
import { DEFAULT_PROFILE, type DeviceLimits } from "../tuning/device_profile.ts";
import { KernelPolicy } from "../tuning/policy.ts";
import { type ElementsKernel, mergeKernels } from "./merge.ts";

const LIMITS: DeviceLimits = { ...DEFAULT_PROFILE.limits, maxComputeWorkgroupsPerDimension: 100 };
const HARDWARE = new KernelPolicy(DEFAULT_PROFILE).mergeShape;
const SOFTWARE = new KernelPolicy({ ...DEFAULT_PROFILE, kind: "software" }).mergeShape;

function scaled(from: string, to: string, count: number): ElementsKernel<string> {
  return {
    elements: {
      count,
      body: "let x = scale(a[i]); y[i] = vec4<f32>(x).x;",
      declarations: "fn scale(x: f32) -> f32 { return 2.0 * x; }",
    },
    buffers: [
      { name: "a", buffer: from, size: 16, dtype: "f32" },
      { name: "y", buffer: to, size: 4 * count, dtype: "f32", write: true },
    ],
  };
}

Deno.test("mergeKernels() binds a shared buffer once and renames declarations and buffers, but not members", () => {
  const { text, buffers, uniform, workgroups } = mergeKernels(
    [scaled("a", "b", 4), scaled("a", "c", 130)],
    LIMITS,
    HARDWARE,
  );
  assertEquals(buffers.map(({ buffer }) => buffer), ["a", "b", "c"]);
  assertEquals(workgroups, [4, 1, 1]);
  assertEquals([...uniform!], [0, 1, 64, 4, 1, 4, 64, 130]);
  assert(text.includes("kernel0_scale(shared0[i])") && text.includes("kernel1_scale(shared0[i])"), text);
  assert(text.includes("shared2[i] = vec4<f32>(x).x;"), text);
});

Deno.test("mergeKernels() gives equal kernels on other buffers, of any size, an equal text", () => {
  const text = (a: string, b: string, count = 5) =>
    mergeKernels([scaled(a, "y", count), scaled(b, "z", 2 * count)], LIMITS, HARDWARE).text;
  assertEquals(text("a", "b"), text("c", "d", 700));
  assert(text("a", "a") !== text("a", "b"));
});

Deno.test("mergeKernels() gives a thread of a software adapter at most as many iterations as it may loop", () => {
  const kernel = scaled("a", "b", 1_000_000),
    limits = { ...LIMITS, maxComputeWorkgroupsPerDimension: 2 ** 17 };
  const groups = (iterations: number) =>
    mergeKernels([{ ...kernel, elements: { ...kernel.elements, iterations } }], limits, SOFTWARE).workgroups[0];
  assertEquals(groups(1), Math.ceil(1_000_000 / 8 / 489));
  assertEquals(groups(30_000), 125_000);
});
