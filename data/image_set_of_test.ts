import { assertEquals, assertRejects } from "@std/assert";
import { DataError, Random, UsageError } from "../core/mod.ts";
import { imageSetOf, type ImageSupply } from "./image_set_of.ts";
import { resizeAndCrop } from "./resize/resize.ts";

/** A random image of a size. */
function noise(width: number, height: number, seed: number) {
  const random = new Random(seed, "noise");
  return { width, height, pixels: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
}

Deno.test("imageSetOf() resizes as everywhere in the library, and holds out a share of each class", async () => {
  const images = Array.from({ length: 23 }, (_, k) => noise(31 + k, 47 - k, k));
  const told: number[] = [];
  const set = await imageSetOf(
    new Map<string, ImageSupply[]>([
      ["b", images.slice(0, 10).map((image) => () => Promise.resolve(image))],
      ["a", images.slice(10)],
    ]),
    { size: 16, onProgress: (done, total) => told.push(done, total) },
  );
  assertEquals([set.classes, set.shape, set.mirrorable], [["b", "a"], [3, 16, 16], false]);
  // A fifth of 10 and of 13.
  assertEquals([set.train.count, set.validation.count], [18, 5]);
  assertEquals([...set.train.labels, ...set.validation.labels], [
    ...Array(8).fill(0),
    ...Array(10).fill(1),
    ...[0, 0, 1, 1, 1],
  ]);
  assertEquals(told.slice(-2), [23, 23]);
  const pixels = async (part: "train" | "validation") =>
    await Promise.all(Array.from({ length: set[part].count }, async (_, k) => (await set[part].read(k)).pixels.join()));
  const found = [...await pixels("train"), ...await pixels("validation")];
  assertEquals(found.sort(), images.map((image) => resizeAndCrop(image, 16, [16, 16]).pixels.join()).sort());
});

Deno.test("imageSetOf() keeps images for larger networks whole, at up to twice the size at which they are seen", async () => {
  const images = [noise(700, 300, 1), noise(90, 110, 2), noise(80, 80, 3)];
  const { train } = await imageSetOf(new Map([["cat", images.slice(0, 1)], ["dog", images.slice(1, 2)]]), {
    size: 112,
  });
  const kept = [await train.read(0), await train.read(1)];
  // 112 * 256 / 224 * 2 pixels.
  assertEquals(kept.map(({ width, height }) => [width, height]), [[597, 256], [90, 110]]);
  assertEquals(kept[1].pixels, images[1].pixels);
});

Deno.test("imageSetOf() says which class has no images, and what else does not fit", async () => {
  const image = noise(3, 4, 1), options = { size: 8, name: "my photos" };
  await assertRejects(
    () => imageSetOf(new Map([["a", [image]]]), options),
    DataError,
    "my photos: expected at least two",
  );
  await assertRejects(
    () => imageSetOf(new Map([["a", [image]], ["b", []]]), options),
    DataError,
    "my photos: expected images of each class but there are none of b",
  );
  const two = new Map([["a", [image]], ["b", [{ ...image, width: 5 }]]]);
  await assertRejects(() => imageSetOf(two, options), DataError, "image 0 of b: expected 1, 3 or 4 bytes a pixel");
  await assertRejects(() => imageSetOf(two, { ...options, size: 7.5 }), UsageError, "but it is 7.5");
  await assertRejects(() => imageSetOf(two, { ...options, validationFraction: 1 }), UsageError, "between 0 and 1");
});
