/** Which variants of an op are worth timing: what is known of them before they are compiled narrows the field. */

import { byteSize, type TensorSpec } from "../../graph/shape.ts";
import type { OpSpec } from "../../op.ts";
import type { WebGpuVariant } from "./family.ts";
import type { Multiprocessors } from "./multiprocessors.ts";
import { occupancy } from "./occupancy.ts";

/** Characters of a kernel beyond which a variant is not tried: compilers take seconds for more. */
const LONGEST_TEXT = 100_000;
/** Scratch memory beyond that of the op's own tensors with which a variant is not tried: it is written and read once at least. */
const MOST_SCRATCH = 16 << 20;
/** Configurations whose estimated cycles are so many times those of their family's best are not tried. */
const FAR = 1.5;

/**
 * The indices of the variants that are tried, those of a family from its most promising configuration on. The one that runs
 * untuned is always among them.
 *
 * @param multiprocessors Those of the device, by which launches are estimated.
 */
export function promisingVariants(
  variants: readonly WebGpuVariant[],
  preferred: number,
  spec: Pick<OpSpec, "inputs" | "outputs">,
  multiprocessors: Multiprocessors,
): number[] {
  const cycles = variants.map(({ launch }) => launch === undefined ? 0 : occupancy(launch, multiprocessors).cycles);
  const least = new Map<string, number>();
  variants.forEach(({ family }, index) => least.set(family, Math.min(cycles[index], least.get(family) ?? Infinity)));
  const isPromising = (index: number) => {
    const variant = variants[index];
    return cycles[index] <= FAR * least.get(variant.family)! && longestText(variant) <= LONGEST_TEXT &&
      scratchOf(variant, spec) <= MOST_SCRATCH;
  };
  const families = [...least.keys()], rank = (index: number) => families.indexOf(variants[index].family);
  return [...variants.keys()].filter((index) => index === preferred || isPromising(index))
    .sort((a, b) => rank(a) - rank(b) || cycles[a] - cycles[b] || a - b);
}

function longestText({ kernels }: WebGpuVariant): number {
  return Math.max(...kernels.map(({ wgsl }) => wgsl.length));
}

/** The bytes of a variant's scratch memory beyond those of the op's tensors. */
function scratchOf({ workspace = [] }: WebGpuVariant, { inputs, outputs }: Pick<OpSpec, "inputs" | "outputs">): number {
  const bytesOf = (specs: readonly TensorSpec[]) => specs.reduce((sum, spec) => sum + byteSize(spec), 0);
  return bytesOf(workspace) - bytesOf([...inputs, ...outputs]);
}
