import { assertEquals } from "@std/assert";
import { type Choice, type DeviceProfile, f32 } from "../../../core/mod.ts";
import { binding, choiceOf, chosenName, GPU, SOFTWARE, TEXELS } from "../../../tests/_choices.ts";
import { CONVOLUTION_DEFAULTS } from "../problem.ts";
import { conv2dWeightGradient } from "../gradients.ts";

/** A 3x3 convolution's weight gradient. */
function weightGradient(input: number[], outputs: number, device: DeviceProfile, groups = 1): Choice {
  const attributes = { ...CONVOLUTION_DEFAULTS, padding: [1, 1], groups, kernelSize: [3, 3] };
  return choiceOf(conv2dWeightGradient, [f32(input), f32([input[0], outputs, ...input.slice(2)])], attributes, device);
}

const chosen = (...given: Parameters<typeof weightGradient>) => chosenName(weightGradient(...given));

Deno.test("a software adapter sums weight gradients in tiles where lines are whole vectors, else by per-tap GEMM", () => {
  assertEquals(chosen([8, 64, 56, 56], 64, TEXELS), "tiled 8x1x8 for 1024 threads, via texture");
  assertEquals(chosen([8, 256, 14, 14], 256, TEXELS), "per-tap GEMM, via texture");
  assertEquals(chosen([8, 256, 14, 14], 256, SOFTWARE), "per-tap GEMM");
  assertEquals(chosen([1, 16, 2, 2], 16, SOFTWARE), "tiled 4x2x4 for 1024 threads");
  assertEquals(chosen([8, 256, 14, 14], 256, GPU), "implicit GEMM 64x64x16 8x4");
});

Deno.test("per-tap GEMM is left out where channels are grouped or a buffer cannot be bound", () => {
  const products = (...given: Parameters<typeof weightGradient>) =>
    weightGradient(...given).variants.filter(({ name }) => name.startsWith("per-tap"));
  assertEquals(products([8, 256, 14, 14], 256, TEXELS).length, 2);
  assertEquals(products([8, 256, 14, 14], 256, TEXELS, 2), []);
  assertEquals(products([8, 256, 14, 14], 256, binding(TEXELS, 2 ** 20)), []);
});
