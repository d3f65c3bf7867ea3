import { assert, assertEquals } from "@std/assert";
import { type Choice, DEVICE_PROFILES, type DeviceProfile, f32 } from "../../core/mod.ts";
import { choiceOf, chosenName, TEXELS } from "../../tests/_choices.ts";
import { conv2d } from "./conv2d.ts";
import { conv2dInputGradient, conv2dWeightGradient } from "./gradients.ts";
import { CONVOLUTION_CASES, convolutionCaseSpecs } from "./samples.ts";

/** The choices of a convolution and of its gradients. */
function choices(device: DeviceProfile): Choice[] {
  return CONVOLUTION_CASES.flatMap((sample) => {
    const { input, weight, output, attributes } = convolutionCaseSpecs(sample);
    const inputSize = input.shape.slice(2), kernelSize = weight.shape.slice(2);
    return [
      choiceOf(conv2d, [input, weight], attributes, device),
      choiceOf(conv2dInputGradient, [output, weight], { ...attributes, inputSize }, device),
      choiceOf(conv2dWeightGradient, [input, output], { ...attributes, kernelSize }, device),
    ];
  });
}

const namesOf = ({ variants }: Choice) => variants.map(({ name }) => name);

Deno.test("families offer the same on hardware and on software of the same limits", () => {
  const software = choices(TEXELS), hardware = choices({ ...TEXELS, kind: "hardware" });
  assertEquals(hardware.map(namesOf), software.map(namesOf));
  assert(hardware.some((choice, index) => chosenName(choice) !== chosenName(software[index])));
});

Deno.test("variants have names of their own, and a naive kernel is the first", () => {
  for (const device of Object.values(DEVICE_PROFILES)) {
    for (const names of choices(device).map(namesOf)) {
      assertEquals(new Set(names).size, names.length);
      assert(names[0].startsWith("naive"), names[0]);
    }
  }
});

Deno.test("hardware is offered what rules choose on software alone", () => {
  const input = f32([8, 256, 14, 14]), weight = f32([256, 256, 3, 3]), hopper = DEVICE_PROFILES["nvidia-hopper"];
  const attributes = { stride: [2, 2], padding: [1, 1], dilation: [1, 1], groups: 1 };
  const forward = namesOf(choiceOf(conv2d, [input, weight], attributes, hopper));
  assert(forward.includes("im2col GEMM, via texture"), forward.join());
  const gradient = [f32([8, 64, 56, 56]), f32([8, 64, 28, 28])], kernelSize = [3, 3];
  const names = namesOf(choiceOf(conv2dWeightGradient, gradient, { ...attributes, kernelSize }, hopper));
  for (const name of ["per-tap GEMM, via texture", "per-tap GEMM"]) assert(names.includes(name), names.join());
  for (const threads of [1024, 32_768]) assert(names.some((name) => name.includes(`${threads} threads`)), names.join());
});
