/**
 * The process of `dawn_test.ts` that has Dawn's compiler read every kernel of every op: each family and configuration
 * of some samples, with RESIDUA_TEST=all each variant of each sample, in float16 too. Dawn's null backend, which needs no
 * adapter, compiles and computes nothing. Prints how many texts there were, what the compiler says of those that it refuses,
 * and why subgroups are not admitted there.
 */

import { type Attributes, f16, Graph, kernelText, listOps, type Op, type Sample, WebGpuBackend } from "../core/mod.ts";
import "../ops/mod.ts";
import { create } from "../cli/gpu/dawn.ts";
import { coverageKey } from "../core/covering_set.ts";
import { matrixCheckText } from "../core/webgpu/subgroup_matrix.ts";
import { shaderText } from "../core/webgpu/text/shader.ts";
import { withUniformSizes } from "../core/webgpu/text/sizes.ts";
import { ALL } from "./_all.ts";

const backend = await WebGpuBackend.create({ gpu: create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]) });
const { device } = backend, matrix = { m: 16, n: 16, k: 16, subgroupSize: 32 };
const profile = { ...backend.profile, subgroups: true, subgroupMatrix: matrix };

/** The shapes of a sample, and those of float16 where the op takes it. */
function shapesOf(op: Op, { inputs, attributes }: Sample): Sample["inputs"][] {
  const half = op.float16Inputs?.(inputs.length, { ...op.attributes, ...attributes } as Attributes) ?? [];
  if (half.length === 0) return [inputs];
  return [inputs, inputs.map((spec, index) => half.includes(index) ? f16(spec.shape) : spec)];
}

/** Samples of a configuration whose texts are read. */
const FEW = 2;

/** The texts of what could run, with the names of op and variant. */
function* textsOf(op: Op): Generator<[text: string, label: string]> {
  const seen = new Map<string, number>();
  for (const sample of op.samples()) {
    for (const specs of shapesOf(op, sample)) {
      const graph = new Graph(), zero = { kind: "constant", value: 0 } as const;
      const values = specs.map((spec, index) =>
        op.updates?.includes(index) ? graph.state(`${index}`, spec, zero) : graph.input(`${index}`, spec)
      );
      graph.apply(op, values, sample.attributes);
      const [node] = graph.nodes;
      for (const variant of op.webgpu!(node).variants(profile)) {
        const key = `${specs.map(({ dtype }) => dtype)} ${coverageKey(variant)}`, times = seen.get(key) ?? 0;
        seen.set(key, times + 1);
        if (!ALL && times >= FEW) continue;
        const { name, kernels, workspace = [] } = variant;
        const buffers = [...node.inputs, ...node.outputs, ...workspace];
        for (const kernel of kernels) {
          // As hardware compiles it.
          const wgsl = withUniformSizes(kernel.wgsl, kernel.bindings.length)?.wgsl ?? kernel.wgsl;
          yield [kernelText({ ...kernel, wgsl }, buffers), `${op.name}, ${name}`];
        }
      }
    }
  }
}

const texts = new Map(listOps().filter(({ webgpu }) => webgpu !== undefined).flatMap((op) => [...textsOf(op)]));
const checked = [{ name: "x", dtype: "f16" }, { name: "y", dtype: "f32", write: true }] as const;
texts.set(shaderText(matrixCheckText(matrix), checked), "the check of subgroup matrices");
const refused: string[] = [];
for (const [code, label] of texts) {
  device.pushErrorScope("validation");
  device.createShaderModule({ code, label });
  const error = await device.popErrorScope();
  if (error !== null) refused.push(`${label}: ${error.message}`);
}
const matrices = [...texts.keys()].filter((text) => text.includes("subgroup_matrix_")).length;
console.log(JSON.stringify({
  texts: texts.size,
  matrices,
  refused,
  whyNoSubgroups: backend.subgroups.whyNoSubgroups,
}));
backend.destroy();
