import { assert, assertEquals } from "@std/assert";
import { DEVICE_PROFILES, type DeviceProfile, occupancyModel } from "../../../core/mod.ts";
import { divisions, sliceLoop } from "../../../tests/_loop_text.ts";
import { CONVOLUTION_DEFAULTS, type ConvolutionProblem, convolutionProblem } from "../problem.ts";
import { WEIGHT_GRADIENT_RULES } from "../rules.ts";
import { CONVOLUTION_CASES, convolutionCaseSpecs } from "../samples.ts";
import { threadsOf } from "./staged_depthwise_tile.ts";
import { DEPTHWISE_WEIGHT, type DepthwiseWeightTile } from "./weight_gradient_depthwise.ts";

const LAVAPIPE = DEVICE_PROFILES.lavapipe, HOPPER = DEVICE_PROFILES["nvidia-hopper"];

/** MobileNet-V2's layers at a batch of 64. */
const LAYERS = [[32, 112, 1], [96, 112, 2], [144, 56, 1], [144, 56, 2], [192, 28, 1], [576, 14, 2], [960, 7, 1]]
  .map(([channels, size, stride]) =>
    convolutionProblem("conv2d", [64, channels, size, size], [channels, 1, 3, 3], {
      ...CONVOLUTION_DEFAULTS,
      stride: [stride, stride],
      padding: [1, 1],
      groups: channels,
    })
  );

/** The cases that the family takes. */
const CASES = CONVOLUTION_CASES.map((sample) =>
  convolutionProblem("conv2d", sample.input, sample.weight, convolutionCaseSpecs(sample).attributes)
).filter((each) => DEPTHWISE_WEIGHT.supports(each, LAVAPIPE));

/** The texts of all configurations. */
function texts(each: ConvolutionProblem, device: DeviceProfile): [tile: DepthwiseWeightTile, wgsl: string][] {
  return DEPTHWISE_WEIGHT.configurations(each, device).map((tile) => [
    tile,
    DEPTHWISE_WEIGHT.emit(each, tile, device).kernels[0].wgsl,
  ]);
}

Deno.test("a depthwise weight gradient's loops over bands have no division, and no thread leaves before a barrier", () => {
  let loops = 0;
  for (const each of [...CASES, ...LAYERS]) {
    for (const [tile, wgsl] of texts(each, HOPPER)) {
      assertEquals(divisions(sliceLoop(wgsl)), [], DEPTHWISE_WEIGHT.nameOf!(tile, each));
      const [before] = wgsl.slice(wgsl.indexOf("fn main")).split("for (var band");
      assertEquals(wgsl.split("return;").length, 2);
      assert(before.includes("if (block >="));
      loops++;
    }
  }
  assert(loops > 60, `${loops}`);
});

Deno.test("threads of a depthwise weight gradient join all their sums, whatever their number", () => {
  for (const each of [...CASES, ...LAYERS]) {
    for (const [tile, wgsl] of texts(each, HOPPER)) {
      const steps = [...wgsl.matchAll(/if \(lane < (\d+)u\) \{ for \(var t = lane;[^\n]*joined\[t \+ (\d+)u\];/g)];
      let left = threadsOf(tile);
      for (const [, taken, half] of steps) {
        assertEquals(Number(taken) + Number(half), left);
        left = Number(half);
      }
      assertEquals(left, 1);
    }
  }
});

Deno.test("a device gets no depthwise weight gradient that it cannot run", () => {
  for (const profile of [DEVICE_PROFILES.default, HOPPER]) {
    const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = profile.limits;
    for (const each of [...CASES, ...LAYERS]) {
      for (const tile of DEPTHWISE_WEIGHT.configurations(each, profile)) {
        assert(threadsOf(tile) <= maxComputeInvocationsPerWorkgroup);
        assert(DEPTHWISE_WEIGHT.launchOf!(each, tile).workgroupBytes <= maxComputeWorkgroupStorageSize);
        assert(tile.planes <= each.batch);
      }
    }
  }
});

Deno.test("rules take it on hardware for a network's depthwise layers, in as many blocks as fill a device", () => {
  const rule = WEIGHT_GRADIENT_RULES.find(({ family }) => family === "staged depthwise")!;
  const occupancy = occupancyModel(HOPPER);
  const configure = rule.configuration as (problem: ConvolutionProblem, model: typeof occupancy) => DepthwiseWeightTile;
  assertEquals(rule.on, "hardware");
  for (const each of LAYERS) {
    assert(rule.when!(each, HOPPER));
    const tile = configure(each, occupancy), { blocks, threads } = DEPTHWISE_WEIGHT.launchOf!(each, tile);
    assert(threads >= 49 && blocks >= 2 * HOPPER.multiprocessors.count, `${threads} threads, ${blocks} blocks`);
  }
  const dense = convolutionProblem("conv2d", [2, 8, 9, 9], [8, 8, 3, 3], CONVOLUTION_DEFAULTS);
  assert(!rule.when!(dense, HOPPER));
});
