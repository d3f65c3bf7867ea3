import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../core/mod.ts";
import { formatApplication, parseApplication } from "./application.ts";

Deno.test("parseApplication() reads what formatApplication() writes", () => {
  for (
    const text of [
      "conv2d 8x3x32x32,16x3x3x3 padding=1x1",
      "conv2d 8x4x9x9,8x2x3x1,8 stride=2x1 groups=2",
      "relu f16:5x3347",
      "softmaxCrossEntropy 4x10,u32:4 labelSmoothing=0.1",
      "averageUpdate 7,7,scalar",
    ]
  ) {
    assertEquals(formatApplication(parseApplication(text.split(" "))), text);
  }
});

Deno.test("parseApplication() takes one number for each of a list, and infers the outputs", () => {
  const { outputs, attributes } = parseApplication(["conv2d", "2x3x8x8,4x3x3x3", "stride=2", "padding=1"]);
  assertEquals([outputs[0].shape, attributes.stride, attributes.padding], [[2, 4, 4, 4], [2, 2], [1, 1]]);
});

Deno.test("parseApplication() says what was expected", () => {
  const refused = (text: string, message: string) =>
    assertThrows(() => parseApplication(text.split(" ").filter((part) => part !== "")), UsageError, message);
  refused("", "Expected an op and the shapes of its inputs");
  refused("rellu 3", 'There is no op named "rellu"; did you mean relu?');
  refused("relu 3x0", 'Expected a shape such as 64x3x224x224, f16:64x10 or scalar but "3x0" came');
  refused("relu i8:3", 'but "i8:3" came');
  refused(
    "conv2d 2x3x8x8,4x3x3x3 pad=1",
    'expected attributes as NAME=VALUE of stride, padding, dilation, groups but "pad=1"',
  );
  refused("conv2d 2x3x8x8,4x3x3x3 stride=two", 'conv2d: stride: expected a number but "two" came');
});
