import { assert, assertEquals } from "@std/assert";
import { DEFAULT_LIMITS, f32, type WebGpuLimits } from "../../../core/mod.ts";
import { conv2d } from "../conv2d.ts";

const GPU: WebGpuLimits = DEFAULT_LIMITS, SOFTWARE: WebGpuLimits = { ...GPU, software: true };

function variants(
  input: number[],
  outputs: number,
  limits: WebGpuLimits,
  attributes: { stride?: number[]; dilation?: number[]; groups?: number } = {},
) {
  const all = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1, ...attributes };
  const inputs = [f32(input), f32([outputs, input[1] / all.groups, 3, 3])];
  return conv2d.webgpu({ inputs, outputs: conv2d.infer(inputs, all), attributes: all }, limits);
}

const winograd = (...given: Parameters<typeof variants>) =>
  variants(...given).filter(({ name }) => name.startsWith("winograd"));

const chosen = (...given: Parameters<typeof variants>) => variants(...given).find(({ preferred }) => preferred)!.name;

Deno.test("conv2d has winograd's variants at stride 1 without dilation and groups", () => {
  assertEquals(winograd([1, 8, 8, 8], 8, GPU).length, 2);
  assertEquals(winograd([1, 8, 8, 8], 8, GPU, { stride: [2, 2] }), []);
  assertEquals(winograd([1, 8, 8, 8], 8, GPU, { dilation: [1, 2] }), []);
  assertEquals(winograd([1, 8, 8, 8], 8, GPU, { groups: 2 }), []);
});

Deno.test("conv2d prefers winograd's variants on software adapters where there are many channels", () => {
  assert(chosen([8, 256, 14, 14], 256, SOFTWARE).startsWith("winograd 4x4"));
  assert(!chosen([8, 256, 14, 14], 256, GPU).startsWith("winograd"));
  assert(!chosen([128, 16, 32, 32], 16, SOFTWARE).startsWith("winograd"));
  assert(!chosen([128, 256, 1, 1], 256, SOFTWARE).startsWith("winograd"));
});

Deno.test("conv2d prefers the smaller tile where the weights of the larger one take much memory", () => {
  assert(chosen([8, 512, 7, 7], 512, SOFTWARE).startsWith("winograd 2x2"));
});

Deno.test("conv2d leaves out winograd's variants whose workspace cannot be bound", () => {
  assertEquals(winograd([1, 64, 64, 64], 64, { ...GPU, maxStorageBufferBindingSize: 2 ** 20 }), []);
});

Deno.test("winograd's workspace does not grow with the batch beyond a bound", () => {
  const bytes = (batch: number) =>
    winograd([batch, 64, 64, 64], 64, GPU).map(({ workspace }) =>
      workspace!.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b), 0)
    );
  bytes(640).forEach((large, index) => assert(large <= 1.1 * bytes(64)[index]));
});
