import { assert, assertEquals } from "@std/assert";
import { DEVICE_PROFILES, type DeviceProfile, occupancyModel, type WebGpuKernel } from "../../../core/mod.ts";
import { fastestConfiguration } from "../../../kernels/mod.ts";
import { convolution, DIRECTED_CASES, DIRECTIONS } from "../../../tests/_directed.ts";
import { divisions, placesRead, sliceLoop } from "../../../tests/_loop_text.ts";
import type { DirectedConvolution } from "../directed.ts";
import { CONVOLUTION_RULES } from "../rules.ts";
import { convolutionShape, IMPLICIT_GEMM } from "./implicit_gemm.ts";
import { STAGED_DIRECT } from "./staged_direct.ts";
import { stagedBytes, stagedSpan, stagedThreads, stagedWindow } from "./staged_tile.ts";
import { stridedAxes } from "./strided_axis.ts";

const LAVAPIPE = DEVICE_PROFILES.lavapipe, HOPPER = DEVICE_PROFILES["nvidia-hopper"];

/** The cases that the family takes, in both directions. */
const CASES = DIRECTED_CASES.filter((each) => STAGED_DIRECT.supports(each, LAVAPIPE));

/** The kernels of all configurations, by name. */
function kernels(each: DirectedConvolution, device: DeviceProfile): [name: string, kernel: WebGpuKernel][] {
  return STAGED_DIRECT.configurations(each, device).map((configuration) => [
    STAGED_DIRECT.nameOf!(configuration, each),
    STAGED_DIRECT.emit(each, configuration, device).kernels[1],
  ]);
}

Deno.test("a staged convolution's loops over slices have no division, whatever the shape and the configuration", () => {
  let loops = 0;
  for (const each of CASES) {
    for (const [name, { wgsl }] of kernels(each, LAVAPIPE)) {
      assertEquals(divisions(sliceLoop(wgsl)), [], name);
      loops++;
    }
  }
  assert(loops > 40, `${loops}`);
});

Deno.test("threads of a staged convolution bring in all that their block meets, nothing twice, in whole vectors", () => {
  for (const each of CASES) {
    const [y, x] = stridedAxes(each);
    for (const tile of STAGED_DIRECT.configurations(each, LAVAPIPE)) {
      const { rows, firstColumn, quads, pitch, fetches, phases, lines } = stagedWindow(each, tile),
        threads = stagedThreads(tile);
      const columns = stagedSpan(x, 4 * tile.across), all = tile.sources * rows.size * quads;
      assertEquals(rows, stagedSpan(y, tile.down * tile.rows));
      assert(firstColumn <= columns.first && firstColumn + 4 * quads >= columns.first + columns.size && pitch >= quads);
      assert(x.sourceSize % 4 !== 0 || Math.abs(firstColumn) % 4 === 0);
      assert(phases * lines >= rows.size && phases * (lines - 1) < rows.size);
      assert(threads * fetches >= all && threads * (fetches - 1) < all);
    }
    for (const [name, { wgsl }] of kernels(each, LAVAPIPE)) {
      assert(!/\b(window|weights)(\[[^\]]+\]){4} =/.test(wgsl), name);
    }
  }
});

Deno.test("a thread of a staged convolution reads its weights at a place for each vector, and its rows at few", () => {
  for (const each of CASES) {
    const tiles = STAGED_DIRECT.configurations(each, LAVAPIPE);
    for (const [i, [name, { wgsl }]] of kernels(each, LAVAPIPE).entries()) {
      assert(placesRead(sliceLoop(wgsl), "weights") <= tiles[i].channels / 4, name);
    }
  }
  // Two rows of a thread meet four rows of three vectors, which are a vector apart in two lines of two phases.
  const layer = convolution([128, 16, 32, 32], [16, 16, 3, 3], { padding: [1, 1] });
  const [[name, { wgsl }]] = kernels(layer, HOPPER), loop = sliceLoop(wgsl);
  assert(name.endsWith("2x4x8"), name);
  assertEquals(new Set(loop.match(/\bwindow\[s\]\[\d\]\[own \+ \d+u\]/g)).size, 12);
  assertEquals(placesRead(loop, "window"), 6);
});

Deno.test("a device gets no staged tile that it cannot run", () => {
  for (const profile of [DEVICE_PROFILES.default, HOPPER]) {
    const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = profile.limits;
    for (const each of [...CASES, convolution([64, 3, 224, 224], [64, 3, 7, 7], { stride: [2, 2], padding: [3, 3] })]) {
      for (const tile of STAGED_DIRECT.configurations(each, profile)) {
        assert(stagedThreads(tile) <= maxComputeInvocationsPerWorkgroup);
        assert(stagedBytes(each, tile) <= maxComputeWorkgroupStorageSize);
      }
    }
  }
});

Deno.test("rules take the staged kernel on hardware where it is expected to take far fewer cycles, and there alone", () => {
  const rule = CONVOLUTION_RULES.find(({ family }) => family === "staged direct")!, occupancy = occupancyModel(HOPPER);
  assertEquals(rule.on, "hardware");
  const padding = [1, 1],
    chosen = (each: DirectedConvolution) => {
      assert(rule.when!(each, HOPPER));
      const configure = rule.configuration as (
        problem: DirectedConvolution,
        model: typeof occupancy,
      ) => { rows: number };
      const { rows } = configure(each, occupancy);
      const product = fastestConfiguration(convolutionShape(each), occupancy);
      const cycles = STAGED_DIRECT.configurations(each, HOPPER).map((tile) =>
        occupancy.of(STAGED_DIRECT.launchOf!(each, tile)).cycles
      );
      assertEquals(rows > 0, Math.min(...cycles) <= 0.8 * occupancy.of(IMPLICIT_GEMM.launchOf!(each, product)).cycles);
      return rows > 0;
    };
  for (const direction of DIRECTIONS) {
    assert(chosen(convolution([128, 16, 32, 32], [16, 16, 3, 3], { padding }, direction)));
    assert(chosen(convolution([128, 32, 16, 16], [32, 32, 3, 3], { padding }, direction)));
    assert(!chosen(convolution([64, 64, 56, 56], [64, 64, 3, 3], { padding }, direction)));
    assert(!chosen(convolution([64, 512, 7, 7], [512, 512, 3, 3], { padding }, direction)));
  }
  // Groups are no matrix product.
  assert(!rule.when!(convolution([2, 64, 8, 8], [64, 64, 1, 1]), HOPPER));
});
