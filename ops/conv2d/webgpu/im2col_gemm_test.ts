import { assertEquals } from "@std/assert";
import { DEFAULT_LIMITS, f32, type Op, type WebGpuLimits } from "../../../core/mod.ts";
import { conv2d } from "../conv2d.ts";
import { CONVOLUTION_DEFAULTS } from "../problem.ts";
import { conv2dInputGradient } from "../gradients.ts";

const GPU: WebGpuLimits = DEFAULT_LIMITS, SOFTWARE: WebGpuLimits = { ...GPU, software: true };

const TEXELS: WebGpuLimits = { ...SOFTWARE, maxTexels: 2 ** 23 };

/** The variants of a 3x3 convolution of stride 2, or of its input gradient. */
function variants(op: Op, input: number[], outputs: number, limits: WebGpuLimits) {
  const given = { ...CONVOLUTION_DEFAULTS, stride: [2, 2], padding: [1, 1] };
  const attributes = op === conv2dInputGradient as Op ? { ...given, inputSize: input.slice(2) } : given;
  const image = op === conv2d as Op
    ? input
    : [input[0], outputs, ...input.slice(2).map((extent) => Math.ceil(extent / 2))];
  const inputs = [f32(image), f32([outputs, input[1], 3, 3])];
  return op.webgpu({ inputs, outputs: op.infer(inputs, attributes), attributes }, limits);
}

for (const op of [conv2d, conv2dInputGradient] as Op[]) {
  const chosen = (...given: [number[], number, WebGpuLimits]) =>
    variants(op, ...given).find(({ preferred }) => preferred)!.name;

  Deno.test(`a software adapter unfolds the images of ${op.name} where lines are not whole vectors`, () => {
    assertEquals(chosen([8, 512, 14, 14], 512, TEXELS), "unfolded product, texels");
    assertEquals(chosen([8, 512, 14, 14], 512, SOFTWARE), "unfolded product");
    assertEquals(chosen([8, 64, 56, 56], 128, TEXELS).slice(0, 6), "direct");
    assertEquals(chosen([1, 16, 6, 6], 16, TEXELS).slice(0, 6), "direct");
    assertEquals(chosen([8, 512, 14, 14], 512, GPU).slice(0, 8), "implicit");
  });

  Deno.test(`${op.name} leaves out unfolded products that take much memory`, () => {
    const names = variants(op, [256, 512, 14, 14], 512, TEXELS).map(({ name }) => name);
    assertEquals(names.filter((name) => name.startsWith("unfolded")), []);
  });
}
