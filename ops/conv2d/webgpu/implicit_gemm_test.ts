import { assert, assertEquals } from "@std/assert";
import { DEVICE_PROFILES, type KernelFamily, type WebGpuKernel } from "../../../core/mod.ts";
import { divisions, sliceLoop } from "../../../tests/_loop_text.ts";
import { directed, type Direction } from "../directed.ts";
import { operandsOf } from "../epilogue.ts";
import {
  CONVOLUTION_DEFAULTS,
  type ConvolutionAttributes,
  type ConvolutionProblem,
  convolutionProblem,
} from "../problem.ts";
import { CONVOLUTION_CASES, convolutionCaseSpecs } from "../samples.ts";
import { IMPLICIT_GEMM } from "./implicit_gemm.ts";
import { IMPLICIT_WEIGHT_GEMM } from "./weight_gradient_implicit_gemm.ts";

const LAVAPIPE = DEVICE_PROFILES.lavapipe;

/** The kernels of all configurations that stage slices, by name. */
function stagedKernels<P>(family: KernelFamily<P>, problem: P): [name: string, kernel: WebGpuKernel][] {
  if (!family.supports(problem, LAVAPIPE)) return [];
  return family.configurations(problem, LAVAPIPE).map((configuration) => {
    const { kernels } = family.emit(problem, configuration, LAVAPIPE);
    return [family.nameOf!(configuration, problem), kernels.find(({ wgsl }) => wgsl.includes("workgroupBarrier"))!];
  });
}

/** Those of a convolution, its input gradient and its weight gradient. */
function allKernels(problem: ConvolutionProblem): [name: string, kernel: WebGpuKernel][] {
  const both = (["forward", "inputGradient"] as Direction[]).flatMap((direction) =>
    stagedKernels(IMPLICIT_GEMM, directed(problem, direction, operandsOf(2)))
  );
  return [...both, ...stagedKernels(IMPLICIT_WEIGHT_GEMM, problem)];
}

function problem(input: number[], weight: number[], attributes: Partial<ConvolutionAttributes> = {}) {
  return convolutionProblem("conv2d", input, weight, { ...CONVOLUTION_DEFAULTS, ...attributes });
}

Deno.test("a convolution's loops over slices have no division, whatever the shape and the configuration", () => {
  let loops = 0;
  for (const sample of CONVOLUTION_CASES) {
    const { input, weight, attributes } = convolutionCaseSpecs(sample);
    for (const [name, { wgsl }] of allKernels(problem([...input.shape], [...weight.shape], attributes))) {
      assertEquals(divisions(sliceLoop(wgsl)), [], `${sample.about}: ${name}`);
      loops++;
    }
  }
  assert(loops > 500, `${loops}`);
});

Deno.test("a convolution's loops over slices have no clamps where blocks and slices divide it", () => {
  const kernels = allKernels(problem([4, 128, 16, 16], [128, 128, 3, 3], { padding: [1, 1] }));
  for (const [name, { wgsl }] of kernels) assert(!/\b(min|max|clamp)\(/.test(sliceLoop(wgsl)), name);
});

Deno.test("a strided input gradient has blocks for each pair of residues, and multiplies no inserted zero", () => {
  const plain = problem([4, 64, 16, 16], [64, 64, 3, 3], { padding: [1, 1] });
  const strided = problem([4, 64, 32, 32], [64, 64, 3, 3], { padding: [1, 1], stride: [2, 2] });
  const [first, second] = [plain, strided].map((each) =>
    stagedKernels(IMPLICIT_GEMM, directed(each, "inputGradient", operandsOf(2)))[0][1]
  );
  // Four times as many results of as many residues, whose taps are 1, 2, 2 and 4 of the 9.
  assertEquals(second.workgroups[0], 4 * first.workgroups[0]);
  assert(second.wgsl.includes("let tapsY = select(1u, 2u, residueY == 1u);"));
});
