import { assert, assertEquals } from "@std/assert";
import { DEVICE_PROFILES, type DeviceProfile, occupancyModel } from "../../../core/mod.ts";
import { range } from "../../../kernels/mod.ts";
import { convolution, DIRECTED_CASES, DIRECTIONS } from "../../../tests/_directed.ts";
import type { DirectedConvolution, Direction } from "../directed.ts";
import { CONVOLUTION_RULES } from "../rules.ts";
import { STAGED_DEPTHWISE } from "./staged_depthwise.ts";
import {
  fetchedVectors,
  type PlaneWindow,
  type StagedDepthwiseTile,
  threadsOf,
  windowOf,
  windowSize,
} from "./staged_depthwise_tile.ts";
import { stagedSpan } from "./staged_tile.ts";
import { stridedAxes } from "./strided_axis.ts";

const LAVAPIPE = DEVICE_PROFILES.lavapipe, HOPPER = DEVICE_PROFILES["nvidia-hopper"];

/** A 3x3 layer whose padding keeps the size of images. */
function layer(batch: number, channels: number, size: number, stride: number, direction: Direction) {
  const attributes = { groups: channels, padding: [1, 1], stride: [stride, stride] } as const;
  return convolution([batch, channels, size, size], [channels, 1, 3, 3], attributes, direction);
}

/** Those of MobileNet-V2. */
const LAYERS = DIRECTIONS.flatMap((direction) =>
  [[32, 112, 1], [96, 112, 2], [144, 56, 1], [144, 56, 2], [192, 28, 1], [192, 28, 2], [576, 14, 1], [576, 14, 2], [
    960,
    7,
    1,
  ]]
    .map(([channels, size, stride]) => layer(64, channels, size, stride, direction))
);

/** The cases that the family takes, in both directions. */
const CASES = DIRECTED_CASES.filter((each) => STAGED_DEPTHWISE.supports(each, LAVAPIPE));

/** All configurations with what they stage and their text. */
function kernels(each: DirectedConvolution, device: DeviceProfile) {
  return STAGED_DEPTHWISE.configurations(each, device).map((tile) => ({
    tile,
    window: windowOf(each, tile),
    wgsl: STAGED_DEPTHWISE.emit(each, tile, device).kernels[0].wgsl,
  }));
}

/** Where a vector of a row of a plane is parked, as the text says. */
function parkedAt({ rows, pitch, part }: PlaneWindow, step: number, plane: number, row: number, quad: number): number {
  return (plane * rows.size + row) * pitch + quad % step * part + Math.floor(quad / step);
}

/** Where a thread's vectors of the window begin. */
function ownOf(
  { rows, pitch }: PlaneWindow,
  { rows: ownRows, down, across }: StagedDepthwiseTile,
  step: number,
  lane: number,
) {
  const plane = Math.floor(lane / (across * down)), row = Math.floor(lane / across) % down;
  return (plane * rows.size + row * ownRows * step) * pitch + lane % across;
}

Deno.test("a staged depthwise convolution has no loop, one barrier, and leaves before it by whole workgroups alone", () => {
  let texts = 0;
  for (const each of [...CASES, ...LAYERS]) {
    for (const { wgsl } of kernels(each, HOPPER)) {
      const main = wgsl.slice(wgsl.indexOf("fn main"));
      assert(!/\b(for|while|loop)\b/.test(wgsl));
      const [before, after, ...more] = main.split("workgroupBarrier();");
      assertEquals([after === undefined, more.length], [false, 0]);
      assertEquals(
        [...before.matchAll(/if \(([^)]*)\) \{ return; \}/g)].map(([, condition]) => condition.split(" ")[0]),
        [
          "block",
        ],
      );
      texts++;
    }
  }
  assert(texts > 80, `${texts}`);
});

Deno.test("a staged depthwise convolution brings in all that its block meets, nothing twice, and threads load it from there", () => {
  for (const each of [...CASES, ...LAYERS]) {
    const [y, x] = stridedAxes(each);
    for (const { tile, window, wgsl } of kernels(each, HOPPER)) {
      const { rows, firstColumn, quads } = window,
        columns = stagedSpan(x, 4 * tile.across),
        size = windowSize(window, tile);
      assertEquals(rows, stagedSpan(y, tile.down * tile.rows));
      assert(firstColumn <= columns.first && firstColumn + 4 * quads >= columns.first + columns.size);
      assert(x.sourceSize % 4 !== 0 || Math.abs(firstColumn) % 4 === 0);
      const parked = new Map<number, string>();
      for (const plane of range(tile.planes)) {
        for (const row of range(rows.size)) {
          for (const quad of range(quads)) {
            const at = parkedAt(window, x.step, plane, row, quad);
            assert(at < size && !parked.has(at));
            parked.set(at, `${plane} ${row} ${quad}`);
          }
        }
      }
      assertEquals(parked.size, fetchedVectors(window, tile));
      // What the text calls v1_2 is of row 1 and the vector 2 of the thread's window.
      const loads = [...wgsl.matchAll(/let v(\d+)_(\d+) = window\[own \+ (\d+)u\];/g)].map((load) =>
        load.slice(1).map(Number)
      );
      for (const lane of range(threadsOf(tile))) {
        const own = ownOf(window, tile, y.step, lane), plane = Math.floor(lane / (tile.across * tile.down));
        const firstRow = Math.floor(lane / tile.across) % tile.down * tile.rows * y.step;
        for (const [row, quad, offset] of loads) {
          const met = `${plane} ${firstRow + row} ${lane % tile.across * x.step + quad}`;
          assertEquals(parked.get(own + offset), met);
        }
      }
    }
  }
});

Deno.test("a device gets no staged depthwise block that it cannot run, and five at most", () => {
  for (const profile of [DEVICE_PROFILES.default, HOPPER]) {
    const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = profile.limits;
    for (const each of [...CASES, ...LAYERS]) {
      const all = kernels(each, profile);
      assert(all.length > 0 && all.length <= 5, `${all.length}`);
      for (const { tile, window } of all) {
        assert(threadsOf(tile) <= maxComputeInvocationsPerWorkgroup);
        assert(16 * windowSize(window, tile) <= maxComputeWorkgroupStorageSize);
        assert(tile.planes <= each.batch * each.groups);
      }
    }
  }
  // Taps that lie so far apart that hardly an element is met twice are not staged.
  const apart = convolution([1, 2, 1, 1], [2, 1, 5, 5], { groups: 2, padding: [40, 40], dilation: [20, 20] });
  assertEquals(kernels(apart, HOPPER).length, 0);
});

Deno.test("blocks of a network's depthwise layers have two warps at least, read little twice and leave few threads idle", () => {
  const occupancy = occupancyModel(HOPPER);
  const rule = CONVOLUTION_RULES.find(({ family }) => family === "staged depthwise")!;
  const configure = rule.configuration as (
    problem: DirectedConvolution,
    model: typeof occupancy,
  ) => StagedDepthwiseTile;
  assertEquals(rule.on, "hardware");
  for (const each of LAYERS) {
    assert(rule.when!(each, HOPPER));
    const tile = configure(each, occupancy), window = windowOf(each, tile), [y, x] = stridedAxes(each);
    const cycles = (tile: StagedDepthwiseTile) => occupancy.of(STAGED_DEPTHWISE.launchOf!(each, tile)).cycles;
    assertEquals(cycles(tile), Math.min(...STAGED_DEPTHWISE.configurations(each, HOPPER).map(cycles)));
    assert(threadsOf(tile) >= 64);
    const blocksOfPlane = Math.ceil(y.size / (tile.rows * tile.down * y.residues)) *
      Math.ceil(x.size / (4 * tile.across * x.residues));
    const rows = Math.min(window.rows.size, y.sourceSize), columns = Math.min(4 * window.quads, x.sourceSize);
    assert(blocksOfPlane * rows * columns <= 1.2 * y.sourceSize * x.sourceSize);
    const covered = blocksOfPlane * tile.rows * tile.down * y.residues * 4 * tile.across * x.residues;
    assert(covered <= 1.35 * y.size * x.size);
  }
});

Deno.test("rules stage no depthwise convolution of one tap, and no dense one", () => {
  const rule = CONVOLUTION_RULES.find(({ family }) => family === "staged depthwise")!;
  assert(!rule.when!(convolution([2, 8, 9, 9], [8, 1, 1, 1], { groups: 8 }), HOPPER));
  assert(!rule.when!(convolution([2, 8, 9, 9], [8, 8, 3, 3]), HOPPER));
});
