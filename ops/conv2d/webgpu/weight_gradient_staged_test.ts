import { assert, assertEquals } from "@std/assert";
import { DEVICE_PROFILES, occupancyModel } from "../../../core/mod.ts";
import { fastestConfiguration } from "../../../kernels/mod.ts";
import { divisions, placesRead, sliceLoop } from "../../../tests/_loop_text.ts";
import {
  CONVOLUTION_DEFAULTS,
  type ConvolutionAttributes,
  type ConvolutionProblem,
  convolutionProblem,
} from "../problem.ts";
import { WEIGHT_GRADIENT_RULES } from "../rules.ts";
import { CONVOLUTION_CASES, convolutionCaseSpecs } from "../samples.ts";
import { IMPLICIT_WEIGHT_GEMM, weightGradientShape } from "./weight_gradient_implicit_gemm.ts";
import { STAGED_WEIGHT } from "./weight_gradient_staged.ts";
import {
  bandsOf,
  bandsOfPart,
  stagedBand,
  stagedBandBytes,
  stagedWeightThreads,
} from "./weight_gradient_staged_tile.ts";

const LAVAPIPE = DEVICE_PROFILES.lavapipe, HOPPER = DEVICE_PROFILES["nvidia-hopper"];

function problem(
  input: readonly number[],
  weight: readonly number[],
  attributes: Partial<ConvolutionAttributes> = {},
): ConvolutionProblem {
  return convolutionProblem("conv2d", input, weight, { ...CONVOLUTION_DEFAULTS, ...attributes });
}

/** The cases that the family takes. */
const CASES = CONVOLUTION_CASES.map((sample) =>
  problem(sample.input, sample.weight, convolutionCaseSpecs(sample).attributes)
).filter((each) => STAGED_WEIGHT.supports(each, LAVAPIPE));

Deno.test("a staged weight gradient's loops over bands have no division, whatever the shape and the configuration", () => {
  let loops = 0;
  for (const each of CASES) {
    for (const configuration of STAGED_WEIGHT.configurations(each, LAVAPIPE)) {
      const [{ wgsl }] = STAGED_WEIGHT.emit(each, configuration, LAVAPIPE).kernels;
      assertEquals(divisions(sliceLoop(wgsl)), [], STAGED_WEIGHT.nameOf!(configuration, each));
      assertEquals(placesRead(wgsl, "staged_dy"), 1);
      loops++;
    }
  }
  assert(loops > 40, `${loops}`);
});

Deno.test("threads of a staged weight gradient bring in whole rows of all planes, and adjacent planes meet other banks", () => {
  for (const each of CASES) {
    for (const tile of STAGED_WEIGHT.configurations(each, LAVAPIPE)) {
      const threads = stagedWeightThreads(tile), [x, dy] = stagedBand(each, tile);
      assertEquals([x.planes, dy.planes], [tile.across, tile.down * tile.outputs]);
      assertEquals(x.rows, (tile.rows - 1) * each.stride[0] + (each.kernelHeight - 1) * each.dilation[0] + 1);
      const columns = (tile.columns - 1) * each.stride[1] + (each.kernelWidth - 1) * each.dilation[1] + 1;
      assert(x.firstColumn <= -each.padding[1] && x.firstColumn + 4 * x.quads >= columns - each.padding[1]);
      assertEquals([dy.firstColumn, dy.quads], [0, tile.columns / 4]);
      for (
        const { planes, rows, width, firstColumn, quads, lanes, quadLoads, planeLoads, pitch, planePitch } of [x, dy]
      ) {
        assert(width % 4 !== 0 || Math.abs(firstColumn) % 4 === 0);
        assert(lanes * quadLoads >= quads && pitch >= lanes * quadLoads);
        assert(threads / lanes * planeLoads >= planes && planePitch >= rows * pitch);
        assertEquals([threads % lanes, planePitch % 2], [0, 1]);
      }
      // Threads that wrote parts of one vector would race.
      const [{ wgsl }] = STAGED_WEIGHT.emit(each, tile, LAVAPIPE).kernels;
      assert(!/\bstaged_\w+(\[[^\]]+\]){3} =/.test(wgsl));
    }
  }
});

Deno.test("parts of a staged weight gradient have all bands", () => {
  for (const each of CASES) {
    for (const tile of STAGED_WEIGHT.configurations(each, HOPPER)) {
      const [down, across] = bandsOf(each, tile);
      assert(down * tile.rows >= each.outputHeight && across * tile.columns >= each.outputWidth);
      assert(bandsOfPart(each, tile) * tile.parts >= each.batch * down * across);
    }
  }
});

Deno.test("a device gets no staged band that it cannot run", () => {
  for (const profile of [DEVICE_PROFILES.default, HOPPER]) {
    const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = profile.limits;
    for (const each of [...CASES, problem([64, 64, 56, 56], [64, 64, 3, 3], { padding: [1, 1] })]) {
      for (const tile of STAGED_WEIGHT.configurations(each, profile)) {
        assert(stagedWeightThreads(tile) <= maxComputeInvocationsPerWorkgroup);
        assert(stagedBandBytes(each, tile) <= maxComputeWorkgroupStorageSize);
      }
    }
  }
});

Deno.test("rules take the staged weight gradient on hardware where it is expected to take far fewer cycles, and there alone", () => {
  const rule = WEIGHT_GRADIENT_RULES.find(({ family }) => family === "staged")!, occupancy = occupancyModel(HOPPER);
  assertEquals(rule.on, "hardware");
  const chosen = (each: ConvolutionProblem) => {
    assert(rule.when!(each, HOPPER));
    const configure = rule.configuration as (problem: ConvolutionProblem, model: typeof occupancy) => { rows: number };
    const product = fastestConfiguration(weightGradientShape(each), occupancy);
    const cycles = STAGED_WEIGHT.configurations(each, HOPPER).map((tile) =>
      occupancy.of(STAGED_WEIGHT.launchOf!(each, tile)).cycles
    );
    const isChosen = configure(each, occupancy).rows > 0;
    const ofProduct = occupancy.of(IMPLICIT_WEIGHT_GEMM.launchOf!(each, product)).cycles;
    assertEquals(isChosen, Math.min(...cycles) <= 0.8 * ofProduct);
    return isChosen;
  };
  assert(chosen(problem([128, 16, 32, 32], [16, 16, 3, 3], { padding: [1, 1] })));
  assert(!chosen(problem([64, 512, 7, 7], [512, 512, 3, 3], { padding: [1, 1] })));
  assert(!rule.when!(problem([2, 64, 8, 8], [64, 64, 1, 1]), HOPPER));
});
