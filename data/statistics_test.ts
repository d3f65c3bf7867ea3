import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { DataError, Random } from "../core/mod.ts";
import { type Dataset, MemoryDataset } from "./dataset.ts";
import { measureImages } from "./statistics.ts";

const shape = [3, 4, 5] as const, COUNT = 70;
const random = new Random(8);
const memory = new MemoryDataset(
  shape,
  Uint8Array.from({ length: COUNT * 60 }, (_, i) => random.integer(100) + 50 * (Math.floor(i / 20) % 3)),
  new Uint8Array(COUNT),
);
/** The same images, one by one and in time. */
const streamed: Dataset = { count: COUNT, labels: memory.labels, read: (index) => Promise.resolve(memory.read(index)) };

Deno.test("measureImages() gives a set that is read in time the figures of the same set in memory, to the bit", async () => {
  const [a, b] = [await measureImages(memory, shape), await measureImages(streamed, shape)];
  assertEquals([b.count, b.normalisation("channel")], [COUNT, a.normalisation("channel")]);
  assertEquals(b.normalisation("pixel"), a.normalisation("pixel"));
  assertEquals(b.components(), a.components());
});

Deno.test("measureImages() gives means of channels and of pixels", async () => {
  const statistics = await measureImages(memory, shape), { mean, std } = statistics.normalisation("channel");
  const pixel = statistics.normalisation("pixel");
  assertEquals([pixel.mean.length, pixel.std], [60, std]);
  const third = Array.from({ length: COUNT }, (_, n) => memory.pixels[n * 60 + 33] / 255);
  assertAlmostEquals(pixel.mean[33], third.reduce((a, b) => a + b) / COUNT, 1e-12);
  assertAlmostEquals(pixel.mean.slice(20, 40).reduce((a, b) => a + b) / 20, mean[1], 1e-12);
  assertEquals(statistics.normalisation("channel-mean"), { mean, std: [1, 1, 1] });
});

Deno.test("components() finds the directions along which colours were spread, the widest first", async () => {
  const directions = [[2 / 3, 2 / 3, 1 / 3], [-2 / 3, 1 / 3, 2 / 3], [1 / 3, -2 / 3, 2 / 3]], spread = [30, 12, 5];
  const pixels = new Uint8Array(3 * 40_000);
  for (let i = 0; i < 40_000; i++) {
    const along = spread.map((deviation) => deviation * random.normal());
    for (let c = 0; c < 3; c++) {
      pixels[c * 40_000 + i] = Math.round(128 + along.reduce((sum, value, k) => sum + value * directions[k][c], 0));
    }
  }
  const set = new MemoryDataset([3, 200, 200], pixels, new Uint8Array(1));
  const components = (await measureImages(set, [3, 200, 200])).components();
  components.directions.forEach((found, k) => {
    assertAlmostEquals(Math.sqrt(components.variances[k]) * 255, spread[k], 0.03 * spread[k] + 0.1);
    assertAlmostEquals(Math.abs(found.reduce((sum, value, c) => sum + value * directions[k][c], 0)), 1, 2e-3);
  });
});

Deno.test("measureImages() takes 2,000 images, evenly spread, of a larger set that is not in memory", async () => {
  const seen: number[] = [], count = 9000;
  const large: Dataset = {
    count,
    labels: new Uint8Array(count),
    read(index) {
      seen.push(index);
      return { width: 1, height: 1, pixels: Uint8Array.of(index >= 4500 ? 200 : 0) };
    },
  };
  const statistics = await measureImages(large, [1, 1, 1]);
  assertEquals(statistics.count, 2000);
  assertEquals(statistics.normalisation("channel").mean, [100 / 255]);
  assertEquals(new Set(seen).size, 2000);
  await assertRejects(() => measureImages({ ...large, count: 0 }, [1, 1, 1]), DataError, "the split is empty");
});
