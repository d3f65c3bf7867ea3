import { assert, assertEquals } from "@std/assert";
import sharp from "../../images/sharp.ts";
import { drawExplanation, pictureOf } from "./explanation.ts";

/** Red grows to the right, green downwards. */
function ramp(width: number, height: number) {
  const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width);
    return [255 * x / width, 255 * y / height, 40][i % 3];
  });
  return { width, height, pixels };
}

Deno.test("pictureOf() gives the middle that the network sees, also of an image that was decoded smaller", async () => {
  const preprocessing = { resize: 80, crop: [40, 60], interpolation: "bilinear" } as const, wide = ramp(600, 400);
  for (const image of [wide, { ...ramp(300, 200), original: { width: 600, height: 400 } }]) {
    const { width, height, pixels } = await pictureOf(image, preprocessing);
    assert(Math.abs(height - width * 2 / 3) <= 0.5, `${height}x${width}`);
    // Of 400 rows the middle half, of 600 columns as much: 200 of 400, 300 of 600.
    const at = (x: number, y: number) => pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3);
    const [first, last] = [at(0, 0), at(width - 1, height - 1)];
    for (const [byte, expected] of [[first[0], 64], [first[1], 64], [last[0], 191], [last[1], 191], [first[2], 40]]) {
      assert(Math.abs(byte - expected) <= 2, `${first} to ${last}`);
    }
  }
});

Deno.test("pictureOf() draws small images larger and huge ones smaller", async () => {
  const sizes = [[20, 224], [3000, 512]];
  for (const [side, expected] of sizes) {
    const { width, height } = await pictureOf(ramp(side, side), {
      resize: 32,
      crop: [32, 32],
      interpolation: "bilinear",
    });
    assertEquals([width, height], [expected, expected]);
  }
});

Deno.test("drawExplanation() leaves the left as it is, and colours the right where the map is above 0", async () => {
  const picture = { width: 60, height: 40, pixels: new Uint8Array(3 * 60 * 40).fill(128) };
  const map = { values: Float32Array.of(0, 4, -3, 1), height: 2, width: 2, index: 1 };
  const { data, info } = await sharp(await drawExplanation(picture, map, "<cat> 9 %")).removeAlpha().raw()
    .toBuffer({ resolveWithObject: true });
  assertEquals([info.width, info.channels], [128, 3]);
  assert(info.height > 40, "there is a caption");
  const at = (x: number, y: number) => [...data.subarray(3 * (y * info.width + x), 3 * (y * info.width + x) + 3)];
  assertEquals([at(0, 0), at(59, 39)], [[128, 128, 128], [128, 128, 128]]);
  const right = 68, [topLeft, topRight, bottomLeft] = [at(right, 0), at(right + 59, 0), at(right, 39)];
  assertEquals([topLeft, bottomLeft], [[128, 128, 128], [128, 128, 128]]);
  assert(topRight[0] > topRight[1] && topRight[0] > topRight[2], `${topRight} is not red`);
  const caption = Array.from({ length: info.width }, (_, x) => Math.min(...at(x, info.height - 12)));
  assert(caption.some((byte) => byte < 120), "the caption has ink");
});
