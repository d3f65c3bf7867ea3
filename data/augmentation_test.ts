import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../core/mod.ts";
import { augmentationByName } from "./augmentation.ts";

Deno.test("augmentationByName() flips by itself only where mirror images keep their class", () => {
  assertEquals(augmentationByName("auto", { mirrorable: true }), { padding: 4, flip: true });
  assertEquals(augmentationByName("auto", { mirrorable: false }), { padding: 4, flip: false });
  assertEquals(augmentationByName("crop+flip", { mirrorable: false }), { padding: 4, flip: true });
  assertEquals(augmentationByName("none", { mirrorable: true }), { padding: 0, flip: false });
});

Deno.test("augmentationByName() names the choices, and says that vgg is still to come", () => {
  assertThrows(() => augmentationByName("corp", { mirrorable: true }), UsageError, "auto, none, crop, crop+flip");
  assertThrows(() => augmentationByName("vgg", { mirrorable: true }), UsageError, "not available yet");
});
