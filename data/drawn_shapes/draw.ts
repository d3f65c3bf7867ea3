/** Draws one image of the built-in set. Only exact arithmetic is used, so that every engine draws the same bytes. */

import { Random } from "../../core/mod.ts";

/** The height and the width of an image. */
export const SIZE = 32;
/** Points along each side of a pixel at which a shape is sampled. */
const SAMPLES = 3;
/** Where they are along a side. */
const SAMPLE_OFFSETS = Float64Array.from({ length: SAMPLES }, (_, s) => (s + 0.5) / SAMPLES);
const NOISE = 12;
const CLUTTER = 5;

/** Directions of a pentagram's five edges: the cosine and the sine of 90° + 72°·k. */
const PENTAGRAM = [
  [0, 1],
  [-0.9510565, 0.3090170],
  [-0.5877853, -0.8090170],
  [0.5877853, -0.8090170],
  [0.9510565, 0.3090170],
];
/** No shape reaches further than this from its centre, in units of its radius. */
const REACH = 1.3;

function insideStar(u: number, v: number): boolean {
  let sides = 0;
  for (let k = 0; k < PENTAGRAM.length; k++) if (PENTAGRAM[k][0] * u + PENTAGRAM[k][1] * v < 0.36) sides++;
  return sides >= 4 && u * u + v * v < 1.4;
}

/** Whether a point is inside a shape of about unit radius. All shapes are their own mirror images. */
export const SHAPES: Readonly<Record<string, (u: number, v: number) => boolean>> = {
  circle: (u, v) => u * u + v * v < 0.8,
  ring: (u, v) => u * u + v * v < 0.95 && u * u + v * v > 0.36,
  square: (u, v) => Math.max(Math.abs(u), Math.abs(v)) < 0.76,
  frame: (u, v) => Math.max(Math.abs(u), Math.abs(v)) < 0.84 && Math.max(Math.abs(u), Math.abs(v)) > 0.5,
  triangle: (u, v) => v > -0.55 && 1.7320508 * Math.abs(u) + v < 1.1,
  star: insideStar,
  cross: (u, v) => Math.min(Math.abs(u), Math.abs(v)) < 0.25 && Math.max(Math.abs(u), Math.abs(v)) < 0.95,
  crescent: (u, v) => u * u + v * v < 0.95 && (u - 0.5) * (u - 0.5) + v * v > 0.6,
  hourglass: (u, v) => Math.abs(v) < 0.9 && Math.abs(u) < 0.85 * Math.abs(v) + 0.05,
  bar: (u, v) => Math.abs(u) < 1 && Math.abs(v) < 0.3,
};

type Colour = [number, number, number];

/** The image that is being drawn. */
const canvas = new Float64Array(3 * SIZE * SIZE);

function colour(random: Random, darkest: number, brightest: number): Colour {
  return [random.uniform(darkest, brightest), random.uniform(darkest, brightest), random.uniform(darkest, brightest)];
}

/**
 * Draws a shape in a bright colour at a random position, turn and size, over a dark shaded background with clutter, with noise.
 *
 * @param inside One of {@link SHAPES}.
 * @param random The image's own stream.
 * @param pixels Receives [3, 32, 32].
 * @param offset The index of the image's first byte in `pixels`.
 */
export function drawImage(
  inside: (u: number, v: number) => boolean,
  random: Random,
  pixels: Uint8Array,
  offset: number,
): void {
  const background = colour(random, 0, 100), foreground = colour(random, 130, 255);
  const slopeX = random.uniform(-1.5, 1.5), slopeY = random.uniform(-1.5, 1.5);
  for (let c = 0, i = 0; c < 3; c++) {
    for (let y = 0; y < SIZE; y++) {
      const down = slopeY * (y - SIZE / 2);
      for (let x = 0; x < SIZE; x++, i++) canvas[i] = background[c] + (slopeX * (x - SIZE / 2) + down);
    }
  }
  for (let k = 0; k < CLUTTER; k++) drawBlob(colour(random, 0, 200), random);

  const radius = random.uniform(7.5, 12), centreX = random.uniform(12, 20), centreY = random.uniform(12, 20);
  // The rational parametrisation of the circle: half of all turns from t, the others by the sign.
  const t = random.uniform(-1, 1), sign = random.integer(2) === 0 ? 1 : -1;
  const cosine = sign * (1 - t * t) / (1 + t * t) / radius, sine = sign * 2 * t / (1 + t * t) / radius;
  const [top, bottom] = span(centreY, REACH * radius), [left, right] = span(centreX, REACH * radius);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      let hits = 0;
      for (let below = 0; below < SAMPLES; below++) {
        const dy = y + SAMPLE_OFFSETS[below] - centreY;
        for (let right = 0; right < SAMPLES; right++) {
          const dx = x + SAMPLE_OFFSETS[right] - centreX;
          if (inside(cosine * dx - sine * dy, sine * dx + cosine * dy)) hits++;
        }
      }
      blend(y * SIZE + x, foreground, hits / (SAMPLES * SAMPLES));
    }
  }
  for (let i = 0; i < canvas.length; i++) {
    const value = canvas[i] + NOISE * random.normal();
    pixels[offset + i] = value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
  }
}

/** The pixels along one axis, from the first to before the second, that lie within `reach` of `centre`. */
function span(centre: number, reach: number): [number, number] {
  return [Math.max(0, Math.floor(centre - reach)), Math.min(SIZE, Math.ceil(centre + reach))];
}

function blend(position: number, foreground: Colour, share: number): void {
  for (let c = 0; c < 3; c++) {
    const i = c * SIZE * SIZE + position;
    canvas[i] += share * (foreground[c] - canvas[i]);
  }
}

/** A dot or a short stroke, too small to be one of the shapes. */
function drawBlob(fill: Colour, random: Random): void {
  const centreX = random.uniform(0, SIZE), centreY = random.uniform(0, SIZE);
  const across = random.uniform(0.8, 2.2), along = random.uniform(0.8, 4), t = random.uniform(-1, 1);
  const cosine = (1 - t * t) / (1 + t * t), sine = 2 * t / (1 + t * t);
  const reach = Math.max(along, across), [top, bottom] = span(centreY, reach), [left, right] = span(centreX, reach);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const dx = x + 0.5 - centreX, dy = y + 0.5 - centreY;
      const u = (cosine * dx - sine * dy) / along, v = (sine * dx + cosine * dy) / across;
      if (u * u + v * v < 1) blend(y * SIZE + x, fill, 0.8);
    }
  }
}
