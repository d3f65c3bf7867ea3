import { assert, assertEquals } from "@std/assert";
import { DEVICE_PROFILES, occupancyModel } from "../../core/mod.ts";
import { registersOfTile, threadsOfTile, WORKGROUP_TILES, workgroupBytes } from "./tiles.ts";
import { fastestConfiguration, launchOf, workgroupConfigurations, type WorkgroupShape } from "./workgroup_choice.ts";

const HOPPER = occupancyModel(DEVICE_PROFILES["nvidia-hopper"]), DEFAULT = occupancyModel(DEVICE_PROFILES.default);

/** A product whose operands are packed. */
function product(m: number, n: number, k: number): WorkgroupShape {
  return { extents: [m, n], slices: (depth) => Math.ceil(k / depth), turned: [false, false], loads: [1, 1] };
}

/** A 3x3 convolution of images of `size` by `size`, as many channels in and out. */
function convolution(channels: number, size: number, batch: number): WorkgroupShape {
  return {
    extents: [channels, batch * size * size],
    slices: (depth) => 9 * Math.ceil(channels / depth),
    turned: [false, false],
    loads: [1, 4],
  };
}

/** The weight gradient of such a convolution. */
function weightGradient(channels: number, size: number, batch: number): WorkgroupShape {
  return {
    extents: [channels, 9 * channels],
    slices: (depth) => Math.ceil(batch * size * size / depth),
    turned: [true, true],
    loads: [1, 4],
  };
}

const chosen = (shape: WorkgroupShape) => fastestConfiguration(shape, HOPPER);
const blocks = (shape: WorkgroupShape) => launchOf(shape, chosen(shape)).blocks;

Deno.test("an H100 gets the tiles that were the fastest there", () => {
  // Of 4096³ they were within 3 % of each other: 38.0 to 39.1 TFLOP/s.
  assert(["64x64x16 8x8", "128x64x16 8x8", "128x128x16 8x8"].includes(chosen(product(4096, 4096, 4096)).tile));
  assertEquals(chosen(product(4096, 4096, 4096)).parts, 1);
  assert(chosen(product(1024, 1024, 1024)).tile.startsWith("64x64x16"));
  assertEquals(chosen(convolution(64, 56, 64)), { tile: "64x64x16 8x8", parts: 1 });
  assert(chosen(weightGradient(64, 56, 64)).tile.startsWith("64x64x16"));
  // 2,304 blocks gave 26 TFLOP/s, 576 gave 20, and 144 gave 8 to 11.
  assert(blocks(weightGradient(64, 56, 64)) > 1000);
});

Deno.test("few channels get low blocks", () => {
  assertEquals(chosen(convolution(16, 32, 128)).tile.split("x")[0], "16");
  assertEquals(chosen(convolution(32, 16, 128)).tile.split("x")[0], "32");
});

Deno.test("small images at batch 1 are split until blocks fill the device", () => {
  for (const shape of [convolution(512, 7, 1), convolution(256, 14, 1)]) {
    assert(chosen(shape).parts > 1);
    assert(blocks(shape) >= 132 / 2, `${blocks(shape)} blocks`);
  }
  assertEquals(chosen(convolution(256, 56, 64)).parts, 1);
});

Deno.test("a device gets no tile that it cannot run", () => {
  for (const shape of [product(4096, 4096, 4096), weightGradient(512, 28, 64)]) {
    const all = workgroupConfigurations(shape, DEFAULT.limits);
    assert(all.some(({ tile, parts }) => tile === fastestConfiguration(shape, DEFAULT).tile && parts === 1));
    for (const { tile } of all) {
      assert(
        workgroupBytes(WORKGROUP_TILES[tile], ...shape.turned) <= 16_384 && threadsOfTile(WORKGROUP_TILES[tile]) <= 256,
      );
    }
  }
});

Deno.test("no split has more parts than slices, or parts too large to bind", () => {
  const shape = product(64, 64, 60);
  for (const { tile, parts } of workgroupConfigurations(shape, HOPPER.limits)) {
    assert(parts <= shape.slices(WORKGROUP_TILES[tile].depth));
  }
  const limits = { ...HOPPER.limits, maxStorageBufferBindingSize: 4 * 64 * 64 * 4 };
  assertEquals([...new Set(workgroupConfigurations(shape, limits).map(({ parts }) => parts))], [1, 4]);
});

Deno.test("no loop over slices is longer than every driver does", () => {
  const shape = weightGradient(4, 448, 128), all = workgroupConfigurations(shape, HOPPER.limits);
  assert(all.length > 0);
  for (const { tile, parts } of all) assert(shape.slices(WORKGROUP_TILES[tile].depth) / parts <= 60_000);
  assert(!all.some(({ parts }) => parts === 1));
});

Deno.test("what a tile takes of a multiprocessor", () => {
  const tile = WORKGROUP_TILES["64x64x16 8x8"];
  assertEquals([threadsOfTile(tile), registersOfTile(tile)], [64, 64 + 32 + 32]);
  assertEquals([workgroupBytes(tile, false, false), workgroupBytes(tile, true, true)], [8192, 8192 + 512]);
});
