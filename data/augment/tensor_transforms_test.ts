import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Random, UsageError } from "../../core/mod.ts";
import { colourShift, randomErasing } from "./tensor_transforms.ts";

Deno.test("colourShift() moves all pixels alike, by normal numbers along the components", () => {
  const directions = [[0.6, 0.8, 0], [-0.8, 0.6, 0], [0, 0, 1]], variances = [0.3, 0.1, 0.02], std = [0.5, 0.25, 0.2];
  const shift = colourShift({ variances, directions }, 0.1, std), random = new Random(2), squares = [0, 0, 0];
  const draws = 4000;
  let fourth = 0;
  for (let k = 0; k < draws; k++) {
    const tensor = Float32Array.from({ length: 12 }, (_, i) => i);
    shift(tensor, [3, 2, 2], random);
    const moved = [0, 1, 2].map((c) => (tensor[4 * c + 3] - 4 * c - 3) * std[c]);
    if (k < 20) { for (let i = 0; i < 12; i++) assertAlmostEquals((tensor[i] - i) * std[i >> 2], moved[i >> 2], 1e-5); }
    directions.forEach((direction, i) => {
      const alpha = direction.reduce((sum, value, c) => sum + value * moved[c], 0) / variances[i];
      squares[i] += alpha ** 2;
      if (i === 0) fourth += alpha ** 4;
    });
  }
  for (const sum of squares) assertAlmostEquals(Math.sqrt(sum / draws), 0.1, 0.004);
  // A normal distribution's fourth moment is three times the square of its variance.
  assertAlmostEquals(fourth / draws / 1e-4, 3, 0.35);
  assertThrows(() => colourShift({ variances, directions }, -1, std), UsageError, "deviation");
});

Deno.test("randomErasing() erases one rectangle of the wanted area in the wanted share of images", () => {
  const erase = randomErasing({ probability: 0.3, area: [0.1, 0.2] }), random = new Random(4), areas: number[] = [];
  const counts = new Float64Array(400);
  for (let k = 0; k < 3000; k++) {
    const tensor = new Float32Array(2 * 400).fill(1);
    erase(tensor, [2, 20, 20], random);
    const erased = tensor.subarray(0, 400).reduce((sum, value, i) => {
      if (value === 0) counts[i]++;
      return sum + 1 - value;
    }, 0);
    assertEquals(tensor.subarray(400).reduce((sum, value) => sum + 1 - value, 0), erased);
    if (erased > 0) areas.push(erased / 400);
  }
  assertAlmostEquals(areas.length / 3000, 0.3, 0.03);
  assertAlmostEquals(areas.reduce((a, b) => a + b) / areas.length, 0.15, 0.01);
  // Sides are rounded to pixels.
  assert(areas.every((area) => area > 0.07 && area < 0.23));
  assertAlmostEquals(counts[10 * 20 + 5] / counts[10 * 20 + 14], 1, 0.25);
  assertThrows(() => randomErasing({ probability: 1.5 }), UsageError, "from 0 to 1");
});
