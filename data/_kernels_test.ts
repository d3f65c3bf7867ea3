/** The WebAssembly kernels against the plain loops, which they equal to the bit. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Random } from "../core/mod.ts";
import { Kernels, kernels, loadKernels } from "./_kernels.ts";
import { resizePlain } from "./resize/_resize_plain.ts";
import { resizeSimd } from "./resize/_resize_simd.ts";
import { TensorWriter } from "./_tensor_writer.ts";
import type { DecodedImage } from "./formats/decoded_image.ts";
import { type Box, cutBox, INTERPOLATIONS } from "./resize/resize.ts";

const simd = kernels()!;

function noise(width: number, height: number, random: Random, most = 256): DecodedImage {
  return { width, height, pixels: Uint8Array.from({ length: 3 * width * height }, () => random.integer(most)) };
}

function randomBox(width: number, height: number, random: Random): Box {
  const across = 1 + random.integer(width), down = 1 + random.integer(height);
  return {
    left: random.integer(width - across + 1),
    top: random.integer(height - down + 1),
    width: across,
    height: down,
  };
}

Deno.test("resizeSimd() gives the bytes of resizePlain() for any sizes and boxes", () => {
  const random = new Random(15);
  for (let round = 0; round < 300; round++) {
    const [width, height, newWidth, newHeight] = Array.from({ length: 4 }, () => 1 + random.integer(70));
    const image = noise(width, height, random), box = randomBox(newWidth, newHeight, random);
    const part = randomBox(width, height, random);
    // What earlier images left in the memory must not show.
    simd.bytes.fill(random.integer(256));
    const interpolation = INTERPOLATIONS[round % 2];
    assertEquals(
      resizeSimd(simd, image, newWidth, newHeight, box, part, interpolation),
      resizePlain(cutBox(image, part), newWidth, newHeight, box, interpolation),
      JSON.stringify({ width, height, part, newWidth, newHeight, box, interpolation }),
    );
  }
});

Deno.test("resizeSimd() gives the bytes of resizePlain() for large images, much smaller ones, and white", () => {
  const random = new Random(16), whole = (width: number, height: number) => ({ left: 0, top: 0, width, height });
  for (
    const [from, to] of [[[3001, 97], [301, 11]], [[97, 1501], [5, 3]], [[2, 3], [517, 301]], [[700, 401], [1, 1]]]
  ) {
    const image = noise(from[0], from[1], random), box = whole(to[0], to[1]), part = whole(from[0], from[1]);
    for (const interpolation of INTERPOLATIONS) {
      const result = resizeSimd(simd, image, to[0], to[1], box, part, interpolation);
      const expected = resizePlain(image, to[0], to[1], box, interpolation);
      // So many cubic weights go through the plain loops.
      const tooLong = interpolation === "bicubic" && from.some((side, axis) => side > 256 * to[axis]);
      if (tooLong) assertEquals(result, undefined);
      else assertEquals(result, expected, `${from} to ${to}, ${interpolation}`);
    }
  }
  for (const to of [1, 5, 31, 64, 150]) {
    const white = { width: 64, height: 64, pixels: new Uint8Array(3 * 64 * 64).fill(255) };
    for (const interpolation of INTERPOLATIONS) {
      const { pixels } = resizeSimd(simd, white, to, to, whole(to, to), whole(64, 64), interpolation)!;
      assert(pixels.every((byte) => byte === 255), `white to ${to}, ${interpolation}`);
    }
  }
});

Deno.test("TensorWriter writes the same bits of interleaved pixels, by the kernels, as of planes, by its loops", () => {
  const random = new Random(17);
  for (let round = 0; round < 60; round++) {
    const width = 1 + random.integer(30), height = 1 + random.integer(30), plane = width * height;
    const { pixels } = noise(width + 1, height + 1, random), base = random.integer(3 * (width + height + 1));
    const planar = Uint8Array.from(
      { length: 3 * plane },
      (_, i) => pixels[base + (i % plane) * 3 + Math.floor(i / plane)],
    );
    const normals = (least: number) => Array.from({ length: 3 }, () => random.uniform(least, 1));
    const writer = new TensorWriter([3, height, width], { mean: normals(0), std: normals(0.1) });
    const shift = {
      down: random.integer(2 * height + 3) - height - 1,
      right: random.integer(2 * width + 3) - width - 1,
      mirrored: round % 2 === 0,
    };
    const added = round % 3 === 0 ? normals(-1) : undefined;
    const [one, other] = Array.from({ length: 2 }, () => new Float32Array(3 * plane + 9).fill(9));
    simd.bytes.fill(random.integer(256));
    writer.write(pixels, { base, pixel: 3, channel: 1 }, shift, one, 4, added);
    writer.write(planar, { base: 0, pixel: 1, channel: plane }, shift, other, 4, added);
    assertEquals(new Uint32Array(one.buffer), new Uint32Array(other.buffer), JSON.stringify({ width, height, shift }));
    if (round === 0) assertNotEquals(one[4 + plane], 9);
  }
});

Deno.test("Kernels.reserve() keeps within its bound, beyond which there is no result", () => {
  const own = new Kernels(), random = new Random(18);
  assert(own.reserve(100_000));
  assert(own.bytes.length >= 100_000 && own.bytes.length < 200_000);
  assert(!own.reserve(2 ** 28));
  const image = noise(4, 4, random), box = { left: 0, top: 0, width: 9000, height: 9000 };
  assertEquals(resizeSimd(own, image, 9000, 9000, box, { ...box, width: 4, height: 4 }, "bilinear"), undefined);
  assert(own.bytes.length < 200_000);
  own.run.memory.grow = () => {
    throw new RangeError("no memory");
  };
  assert(!own.reserve(1_000_000));
});

Deno.test("loadKernels() gives nothing where WebAssembly is refused", () => {
  const { Module } = WebAssembly;
  try {
    WebAssembly.Module = function () {
      throw new WebAssembly.CompileError("refused");
    } as unknown as typeof Module;
    assertEquals(loadKernels(), undefined);
  } finally {
    WebAssembly.Module = Module;
  }
  assert(loadKernels() !== undefined);
});
