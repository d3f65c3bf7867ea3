import { assertEquals } from "@std/assert";
import { DEFAULT_LIMITS, f32, type WebGpuLimits } from "../../../core/mod.ts";
import { CONVOLUTION_DEFAULTS } from "../problem.ts";
import { conv2dWeightGradient } from "../gradients.ts";

const GPU: WebGpuLimits = DEFAULT_LIMITS, SOFTWARE: WebGpuLimits = { ...GPU, software: true };

/** The variants of a 3x3 convolution's weight gradient. */
function variants(input: number[], outputs: number, limits: WebGpuLimits, groups = 1) {
  const attributes = { ...CONVOLUTION_DEFAULTS, padding: [1, 1], groups, kernelSize: [3, 3] };
  const inputs = [f32(input), f32([input[0], outputs, ...input.slice(2)])];
  const spec = { inputs, outputs: conv2dWeightGradient.infer(inputs, attributes), attributes };
  return conv2dWeightGradient.webgpu(spec, limits);
}

const TEXELS: WebGpuLimits = { ...SOFTWARE, maxTexels: 2 ** 23 };

const chosen = (...given: Parameters<typeof variants>) => variants(...given).find(({ preferred }) => preferred)!.name;

Deno.test("a software adapter sums weight gradients in tiles where lines are whole vectors, else by products", () => {
  assertEquals(chosen([8, 64, 56, 56], 64, TEXELS), "tiled 8x1x8, texels");
  assertEquals(chosen([8, 256, 14, 14], 256, TEXELS), "product for each tap, texels");
  assertEquals(chosen([8, 256, 14, 14], 256, SOFTWARE), "product for each tap");
  assertEquals(chosen([1, 16, 2, 2], 16, SOFTWARE), "tiled 4x2");
  assertEquals(chosen([8, 256, 14, 14], 256, GPU), "implicit product");
});

Deno.test("products for each tap are left out where channels are grouped or a buffer cannot be bound", () => {
  const products = (...given: Parameters<typeof variants>) =>
    variants(...given).filter(({ name }) => name.startsWith("product"));
  assertEquals(products([8, 256, 14, 14], 256, TEXELS).length, 2);
  assertEquals(products([8, 256, 14, 14], 256, TEXELS, 2), []);
  assertEquals(products([8, 256, 14, 14], 256, { ...TEXELS, maxStorageBufferBindingSize: 2 ** 20 }), []);
});
