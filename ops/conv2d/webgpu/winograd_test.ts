import { assert, assertEquals } from "@std/assert";
import { type Choice, type DeviceProfile, f32 } from "../../../core/mod.ts";
import { binding, choiceOf, chosenName, GPU, SOFTWARE } from "../../../tests/_choices.ts";
import { conv2d } from "../conv2d.ts";
import { CONVOLUTION_DEFAULTS } from "../problem.ts";

function convolution(
  input: number[],
  outputs: number,
  device: DeviceProfile,
  attributes: { stride?: number[]; dilation?: number[]; groups?: number } = {},
): Choice {
  const all = { ...CONVOLUTION_DEFAULTS, padding: [1, 1], ...attributes };
  return choiceOf(conv2d, [f32(input), f32([outputs, input[1] / all.groups, 3, 3])], all, device);
}

const winograd = (...given: Parameters<typeof convolution>) =>
  convolution(...given).variants.filter(({ name }) => name.startsWith("winograd"));

const chosen = (...given: Parameters<typeof convolution>) => chosenName(convolution(...given));

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
  assertEquals(winograd([1, 64, 64, 64], 64, binding(GPU, 2 ** 20)), []);
});

Deno.test("winograd's workspace does not grow with the batch beyond a bound", () => {
  const bytes = (batch: number) =>
    winograd([batch, 64, 64, 64], 64, GPU).map(({ workspace }) =>
      workspace!.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b), 0)
    );
  bytes(640).forEach((large, index) => assert(large <= 1.1 * bytes(64)[index]));
});
