import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { ImageBatch } from "./batch_filler.ts";
import { Batcher } from "./batcher.ts";
import type { ImageSplit } from "./dataset.ts";

const COUNT = 600, CHANNELS = 2, HEIGHT = 6, WIDTH = 5, SIZE = CHANNELS * HEIGHT * WIDTH;
const shape = [CHANNELS, HEIGHT, WIDTH] as const;
const normalisation = { mean: [0.25, 0.5], std: [0.5, 0.2] };

/** No two bytes of an image are alike, so that where each went can be told. */
const split: ImageSplit = {
  count: COUNT,
  pixels: Uint8Array.from({ length: COUNT * SIZE }, (_, i) => (i % SIZE) + Math.floor(i / SIZE) % 100),
  labels: Uint8Array.from({ length: COUNT }, (_, i) => i % 10),
};

function filled(batcher: Batcher, indices: number[], epoch = 0): ImageBatch {
  const batch = batcher.allocate(indices.length);
  batch.images.fill(NaN);
  batcher.fill(Uint32Array.from(indices), epoch, batch);
  return batch;
}

/** What `F.pad(normalised, padding)`, a crop at (top, left) and a mirror give. */
function expected(index: number, padding: number, top: number, left: number, mirrored: boolean): Float32Array {
  const result = new Float32Array(SIZE);
  for (let c = 0; c < CHANNELS; c++) {
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const row = y + top - padding, column = (mirrored ? WIDTH - 1 - x : x) + left - padding;
        if (row < 0 || row >= HEIGHT || column < 0 || column >= WIDTH) continue;
        const byte = split.pixels[index * SIZE + (c * HEIGHT + row) * WIDTH + column];
        result[(c * HEIGHT + y) * WIDTH + x] = (byte / 255 - normalisation.mean[c]) / normalisation.std[c];
      }
    }
  }
  return result;
}

Deno.test("Batcher.fill() normalises each channel and copies the labels", () => {
  const { images, labels } = filled(new Batcher({ split, shape, normalisation }), [7, 3]);
  assertEquals([...labels], [7, 3]);
  assertEquals(images.slice(0, SIZE), expected(7, 0, 0, 0, false));
  assertEquals(images.slice(SIZE), expected(3, 0, 0, 0, false));
  assertAlmostEquals(images[0], (7 / 255 - 0.25) / 0.5, 1e-6);
});

Deno.test("Batcher.fill() draws each crop and each mirroring about equally often, zero outside the image", () => {
  const padding = 1, seen = new Map<string, number>();
  const batcher = new Batcher({ split, shape, normalisation, augmentation: { padding, flip: true }, seed: 5 });
  const { images } = filled(batcher, Array.from({ length: COUNT }, (_, i) => i));
  for (let index = 0; index < COUNT; index++) {
    const image = images.subarray(index * SIZE, (index + 1) * SIZE), matches: string[] = [];
    for (let variant = 0; variant < 18; variant++) {
      const top = variant % 3, left = Math.floor(variant / 3) % 3, mirrored = variant >= 9;
      const wanted = expected(index, padding, top, left, mirrored);
      if (image.every((value, i) => value === wanted[i])) matches.push(`${top} ${left} ${mirrored}`);
    }
    assertEquals(matches.length, 1, `image ${index} is no crop of its original`);
    seen.set(matches[0], (seen.get(matches[0]) ?? 0) + 1);
  }
  assertEquals(seen.size, 18);
  for (const [variant, times] of seen) assert(times > 12 && times < 65, `${variant} came ${times} times of 600`);
});

Deno.test("Batcher.fill() augments by seed, epoch and image alone", () => {
  const augmentation = { padding: 4, flip: true };
  const batcher = new Batcher({ split, shape, normalisation, augmentation, seed: 1 });
  const together = filled(batcher, [4, 9, 2], 3).images, alone = filled(batcher, [9], 3).images;
  assertEquals(together.slice(SIZE, 2 * SIZE), alone);
  const indices = [1, 2, 3, 4, 5], first = filled(batcher, indices, 0).images;
  const other = new Batcher({ split, shape, normalisation, augmentation, seed: 2 });
  assert(filled(batcher, indices, 1).images.some((value, i) => value !== first[i]));
  assert(filled(other, indices, 0).images.some((value, i) => value !== first[i]));
});
