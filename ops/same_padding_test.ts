import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random, ShapeError } from "../core/mod.ts";
import { samePadding } from "./same_padding.ts";

Deno.test("samePadding() gives ceil(input / stride) outputs, by the least padding that does", () => {
  const random = new Random(3, "same"), pair = (most: number) => [1 + random.integer(most), 1 + random.integer(most)];
  for (let k = 0; k < 500; k++) {
    const inputSize = pair(40), kernel = pair(7), stride = pair(4), dilation = pair(3);
    const outputs = (axis: number, padding: number) =>
      Math.floor((inputSize[axis] + padding - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis]) + 1;
    const [top, left, bottom, right] = samePadding({ inputSize, kernel, stride, dilation });
    for (const [axis, [before, after]] of [[top, bottom], [left, right]].entries()) {
      const label = JSON.stringify({ inputSize, kernel, stride, dilation, before, after, axis });
      const wanted = Math.ceil(inputSize[axis] / stride[axis]), padding = before + after;
      assertEquals(outputs(axis, padding), wanted, label);
      if (padding > 0) assert(outputs(axis, padding - 1) < wanted, label);
      assert(after - before === padding % 2, label);
    }
    assertEquals(samePadding({ inputSize, kernel, stride, dilation, odd: "before" }), [bottom, right, top, left]);
  }
});

Deno.test("samePadding() is that of the layers of Keras' MobileNetV2 at 224x224", () => {
  const padding = (size: number, stride: number) =>
    samePadding({ inputSize: [size, size], kernel: [3, 3], stride: [stride, stride] });
  assertEquals(padding(224, 2), [0, 0, 1, 1]);
  assertEquals(padding(112, 1), [1, 1, 1, 1]);
  assertEquals(padding(7, 2), [1, 1, 1, 1]);
});

Deno.test("samePadding() names the argument that is no pair", () => {
  const given = () => samePadding({ inputSize: [8, 8], kernel: [3] });
  assertThrows(
    given,
    ShapeError,
    "samePadding: expected kernel to be a pair of whole numbers of at least 1 but it is [3]",
  );
});
