import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Random, UsageError } from "../../core/mod.ts";
import { BatchLoader } from "../batch_loader.ts";
import { MemoryDataset } from "../dataset.ts";
import { drawBeta, mixImages } from "./mixture.ts";

Deno.test("drawBeta() has the mean and the variance of Beta(α, α)", () => {
  for (const alpha of [0.2, 0.7, 1, 3]) {
    const random = new Random(12, `beta ${alpha}`), draws = 8000;
    let sum = 0, squares = 0;
    for (let k = 0; k < draws; k++) {
      const share = drawBeta(alpha, random);
      assert(share >= 0 && share <= 1);
      sum += share - 0.5;
      squares += (share - 0.5) ** 2;
    }
    const variance = 1 / (4 * (2 * alpha + 1));
    // Four standard errors of the mean; the variance's own is below a hundredth of it.
    assertAlmostEquals(sum / draws, 0, 4 * Math.sqrt(variance / draws));
    assertAlmostEquals(squares / draws / variance, 1, 0.05);
  }
  const random = new Random(1);
  assert(Array.from({ length: 50 }, () => drawBeta(1e-4, random)).every((share) => share >= 0 && share <= 1));
});

Deno.test("mixImages() adds images up by their shares, or replaces a rectangle of the share's area", () => {
  const random = new Random(13), shape = [2, 20, 30] as const, cuts: number[] = [];
  for (let k = 0; k < 400; k++) {
    const tensor = new Float32Array(1200).fill(1), other = new Float32Array(1200).fill(3);
    const share = mixImages(tensor, other, shape, { mixup: 0.5 }, random);
    assertAlmostEquals(tensor[k], 3 - 2 * share, 1e-6);
    tensor.fill(1);
    const kept = mixImages(tensor, other, shape, { cutmix: 1 }, random);
    assertEquals(tensor.every((value) => value === 1 || value === 3), true);
    assertAlmostEquals(tensor.filter((value) => value === 1).length / 1200, kept, 1e-12);
    assertEquals(tensor.slice(0, 600), tensor.slice(600));
    cuts.push(kept);
  }
  // The area that is cut is even from 0 to 1 but for what lies outside, so that more than a half is kept.
  const mean = cuts.reduce((a, b) => a + b) / cuts.length;
  assert(mean > 0.55 && mean < 0.75, `the mean is ${mean}`);
  const both = Array.from({ length: 400 }, () => {
    const tensor = new Float32Array(1200).fill(1);
    mixImages(tensor, new Float32Array(1200).fill(3), shape, { mixup: 1, cutmix: 1 }, random);
    return tensor.every((value) => value === 1 || value === 3) ? 1 : 0;
  });
  assertAlmostEquals(both.reduce<number>((a, b) => a + b, 0) / 400, 0.5, 0.1);
});

Deno.test("BatchLoader mixes images with others of the set, by the seed, the epoch and the index alone", async () => {
  const count = 40, shape = [1, 2, 2] as const, normalisation = { mean: [0], std: [1 / 255] };
  const pixels = Uint8Array.from({ length: count * 4 }, (_, i) => 5 * Math.floor(i / 4));
  const dataset = new MemoryDataset(shape, pixels, Uint8Array.from({ length: count }, (_, i) => i));
  const augmentation = { padding: 0, flip: false, mixup: 1 }, partners = new Set<number>();
  const seen: Record<string, number[]> = {};
  for (const batch of [8, 5]) {
    await using loader = new BatchLoader({
      dataset,
      shape,
      normalisation,
      augmentation,
      batch,
      seed: 2,
      shuffle: true,
    });
    for (let k = 0; k < loader.batchesPerEpoch; k++) {
      const { images, labels, mixture } = await loader.fetch(1, k);
      labels.forEach((label, i) => {
        const other = mixture!.labels[i], share = mixture!.shares[i], found = [images[4 * i], other, share];
        assertAlmostEquals(images[4 * i], 5 * (share * label + (1 - share) * other), 1e-3);
        partners.add(other);
        assertEquals(seen[label] ??= found, found);
      });
    }
  }
  assert(partners.size > 20, `only ${partners.size} partners`);
  const bad = { ...augmentation, mixup: 0 };
  assertThrows(
    () => new BatchLoader({ dataset, shape, normalisation, augmentation: bad, batch: 8 }),
    UsageError,
    "mixup: expected a parameter above 0",
  );
});
