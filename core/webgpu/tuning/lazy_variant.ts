/** Variants whose kernels are written when they are asked for: an op gives several, of which a program runs one. */

import type { MarkedVariant as WebGpuVariant } from "./family.ts";

/**
 * A variant whose kernels are made when they are first read. A copy of it by `...` reads them; {@link preferIf} does not.
 *
 * @param kernels Makes them, and throws nothing: what a variant cannot do is found before.
 */
export function lazyVariant(
  variant: Omit<WebGpuVariant, "kernels">,
  kernels: () => WebGpuVariant["kernels"],
): WebGpuVariant {
  let made: WebGpuVariant["kernels"] | undefined;
  return {
    ...variant,
    get kernels() {
      return made ??= kernels();
    },
  };
}

/** The same variant, which is expected to be the fastest or not. */
export function preferIf(variant: WebGpuVariant, preferred: boolean): WebGpuVariant {
  const { name, workspace, transient } = variant;
  return lazyVariant({ name, workspace, transient, preferred }, () => variant.kernels);
}
