import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../core/mod.ts";
import { augmentationByName } from "./augmentation.ts";

const small = { mirrorable: true, shape: [3, 32, 32] } as const, large = { ...small, shape: [3, 224, 224] } as const;

Deno.test("augmentationByName() flips by itself only where mirror images keep their class", () => {
  assertEquals(augmentationByName("auto", small), { padding: 4, flip: true });
  assertEquals(augmentationByName("auto", { ...small, mirrorable: false }), { padding: 4, flip: false });
  assertEquals(augmentationByName("crop+flip", { ...small, mirrorable: false }), { padding: 4, flip: true });
  assertEquals(augmentationByName("none", small), { padding: 0, flip: false });
});

Deno.test("augmentationByName() takes random parts of large images, and VGG's scales", () => {
  assertEquals(augmentationByName("auto", large), { padding: 0, flip: true, area: [0.08, 1] });
  assertEquals(augmentationByName("auto", { ...large, mirrorable: false }).flip, false);
  const components = { variances: [1], directions: [[1]] };
  const vgg = { padding: 0, flip: true, scale: [256, 480] as const, colourShift: { deviation: 0.1, components } };
  assertEquals(augmentationByName("vgg", large, components), vgg);
  assertEquals(augmentationByName("vgg", small).scale, [32, 60]);
});

Deno.test("augmentationByName() names the choices", () => {
  assertThrows(() => augmentationByName("corp", small), UsageError, "auto, none, crop, crop+flip, vgg, inception");
});
