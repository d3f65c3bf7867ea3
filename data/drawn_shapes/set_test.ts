import { assert, assertEquals } from "@std/assert";
import type { ImageSplit } from "../dataset.ts";
import { shapesSet } from "./set.ts";

const FEATURES = 3 * 32 * 32, CLASSES = 10;

function pixelsOf(split: ImageSplit): Float32Array {
  return Float32Array.from(split.pixels, (byte) => byte / 128 - 1);
}

function scores(weights: Float32Array, pixels: Float32Array, image: number): Float64Array {
  const result = new Float64Array(CLASSES);
  for (let c = 0; c < CLASSES; c++) {
    let sum = 0;
    for (let i = 0; i < FEATURES; i++) sum += weights[c * FEATURES + i] * pixels[image * FEATURES + i];
    result[c] = sum;
  }
  return result;
}

Deno.test("shapesSet() depends on the seed, the split and the index alone", () => {
  const small = shapesSet({ trainCount: 20, validationCount: 20 }),
    large = shapesSet({ trainCount: 40, validationCount: 20 });
  assertEquals(large.train.pixels.slice(0, 20 * FEATURES), small.train.pixels);
  assert(small.train.pixels.some((byte, i) => byte !== small.validation.pixels[i]));
  assertEquals(small.train.labels[13], 3);
});

Deno.test("shapesSet() is beyond a linear classifier on pixels", () => {
  const { train, validation } = shapesSet({ trainCount: 1500, validationCount: 400 });
  const pixels = pixelsOf(train), weights = new Float32Array(CLASSES * FEATURES);
  for (let epoch = 0; epoch < 8; epoch++) {
    for (let image = 0; image < train.count; image++) {
      const score = scores(weights, pixels, image), largest = Math.max(...score);
      const exponentials = score.map((value) => Math.exp(value - largest)),
        sum = exponentials.reduce((a, b) => a + b, 0);
      for (let c = 0; c < CLASSES; c++) {
        const step = 0.0005 * (exponentials[c] / sum - (train.labels[image] === c ? 1 : 0));
        for (let i = 0; i < FEATURES; i++) weights[c * FEATURES + i] -= step * pixels[image * FEATURES + i];
      }
    }
  }
  const held = pixelsOf(validation);
  let right = 0;
  for (let image = 0; image < validation.count; image++) {
    const score = scores(weights, held, image);
    if (score.indexOf(Math.max(...score)) === validation.labels[image]) right++;
  }
  const accuracy = right / validation.count;
  assert(accuracy > 0.12 && accuracy < 0.6, `a linear classifier reaches ${accuracy}`);
});
