/** From a kernel's text to a whole shader: bindings and the prelude are generated, accesses to f16 are converted. */

import type { DType, TensorSpec } from "../../graph/shape.ts";
import type { WebGpuKernel } from "../kernel.ts";
import { texelsWgsl, type TexelType } from "../texels.ts";
import { convertFloat16Accesses } from "./float16_access.ts";
import { preludeOf } from "./prelude.ts";
import { withConstantSizes } from "./sizes.ts";

/** A buffer as a kernel's text declares it. */
export interface DeclaredBuffer {
  /** Its name. */
  readonly name: string;
  /** The type of its elements. */
  readonly dtype: DType;
  /** Whether it is written. */
  readonly write?: boolean;
  /** Whether it is an array of vec4. */
  readonly vector?: boolean;
  /** Whether it is read through a texture. */
  readonly texels?: boolean;
}

/** What WGSL's functions of subgroups are named like. */
const CALLS_SUBGROUPS = /\bsubgroup[A-Z]\w*\(/;
/** What its types of subgroup matrices are named like. */
const HAS_MATRICES = /\bsubgroup_matrix_/;

/**
 * The whole text of a shader: the extensions that it needs, one binding a buffer, the functions of the prelude that the kernel
 * calls, then the kernel's own text, whose accesses to f16 are converted, and whose sizes are constants where they are still
 * marked. `docs/kernel_text.md` has the rules.
 */
export function shaderText(marked: string, buffers: readonly DeclaredBuffer[]): string {
  const wgsl = withConstantSizes(marked);
  const bindings = buffers.map(({ name, dtype, write, vector, texels }, binding) => {
    if (texels) return texelsWgsl(name, binding, dtype as TexelType);
    const element = vector ? `vec4<${dtype}>` : dtype;
    return `@group(0) @binding(${binding}) var<storage, ${write ? "read_write" : "read"}> ${name}: array<${element}>;`;
  });
  const float16 = buffers.filter(({ dtype, texels }) => dtype === "f16" && !texels);
  const extensions = [
    ...(float16.length > 0 ? ["f16"] : []),
    ...(CALLS_SUBGROUPS.test(wgsl) ? ["subgroups"] : []),
    ...(HAS_MATRICES.test(wgsl) ? ["chromium_experimental_subgroup_matrix"] : []),
  ];
  return `${extensions.map((name) => `enable ${name};\n`).join("")}${bindings.join("\n")}\n${preludeOf(wgsl)}${
    convertFloat16Accesses(wgsl, float16)
  }`;
}

/**
 * The whole text of a kernel that has a dispatch to itself.
 *
 * @param specs The op's inputs, its outputs, and the workspace.
 */
export function kernelText({ wgsl, bindings }: WebGpuKernel, specs: readonly TensorSpec[]): string {
  return shaderText(wgsl, bindings.map((binding) => ({ ...binding, dtype: specs[binding.index].dtype })));
}
