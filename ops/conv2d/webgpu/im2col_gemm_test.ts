import { assertEquals } from "@std/assert";
import { type Choice, type DeviceProfile, f32, type Op } from "../../../core/mod.ts";
import { choiceOf, chosenName, GPU, SOFTWARE, TEXELS } from "../../../tests/_choices.ts";
import { conv2d } from "../conv2d.ts";
import { CONVOLUTION_DEFAULTS } from "../problem.ts";
import { conv2dInputGradient } from "../gradients.ts";

/** A 3x3 convolution of stride 2, or its input gradient. */
function strided(op: Op, input: number[], outputs: number, device: DeviceProfile): Choice {
  const given = { ...CONVOLUTION_DEFAULTS, stride: [2, 2], padding: [1, 1] };
  const attributes = op === conv2dInputGradient as Op ? { ...given, inputSize: input.slice(2) } : given;
  const image = op === conv2d as Op
    ? input
    : [input[0], outputs, ...input.slice(2).map((extent) => Math.ceil(extent / 2))];
  return choiceOf(op, [f32(image), f32([outputs, input[1], 3, 3])], attributes, device);
}

for (const op of [conv2d, conv2dInputGradient] as Op[]) {
  const chosen = (...given: [number[], number, DeviceProfile]) => chosenName(strided(op, ...given));

  Deno.test(`a software adapter unfolds the images of ${op.name} where lines are not whole vectors`, () => {
    assertEquals(chosen([8, 512, 14, 14], 512, TEXELS), "unfolded product, texels");
    assertEquals(chosen([8, 512, 14, 14], 512, SOFTWARE), "unfolded product");
    assertEquals(chosen([8, 64, 56, 56], 128, TEXELS).slice(0, 6), "direct");
    assertEquals(chosen([1, 16, 6, 6], 16, TEXELS).slice(0, 6), "direct");
    assertEquals(chosen([8, 512, 14, 14], 512, GPU).slice(0, 8), "implicit");
  });

  Deno.test(`${op.name} leaves out unfolded products that take much memory`, () => {
    const names = strided(op, [256, 512, 14, 14], 512, TEXELS).variants.map(({ name }) => name);
    assertEquals(names.filter((name) => name.startsWith("unfolded")), []);
  });
}
