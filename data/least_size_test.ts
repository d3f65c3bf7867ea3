import { assert, assertEquals } from "@std/assert";
import { Random } from "../core/mod.ts";
import { drawBox } from "./augment/_random_box.ts";
import { leastSize } from "./mod.ts";

Deno.test("leastSize() leaves every crop that may be drawn as many pixels as become of it", () => {
  const random = new Random(4, "least"), area = [0.08, 1] as const;
  const { side, pixels } = leastSize([3, 96, 96], { area });
  for (let round = 0; round < 3000; round++) {
    // Of any proportions, and just as large as it must be.
    const aspect = 1 + random.uniform(), height = Math.max(side, Math.ceil(Math.sqrt(pixels / aspect)));
    const box = drawBox({ width: Math.ceil(height * aspect), height }, area, [3 / 4, 4 / 3], random);
    assert(Math.min(box.width, box.height) >= 95, `${box.width} x ${box.height}`);
  }
});

Deno.test("leastSize() is twice the greatest shorter side to which an image is resized", () => {
  assertEquals(leastSize([3, 224, 224], { scale: [256, 480] }), { side: 960, pixels: 0 });
  assertEquals(leastSize([3, 32, 32]), { side: 64, pixels: 0 });
});
