/** The variants of the nodes of a program. */

import { formatSpec } from "../../graph/shape.ts";
import type { Node } from "../../graph/graph.ts";
import type { BackendCompileOptions } from "../../backend.ts";
import type { WebGpuLimits, WebGpuVariant } from "../../op.ts";

/** An op, its shapes and its attributes: nodes of the same description run the same kernels. */
export function describeNode({ op, inputs, attributes }: Node): string {
  return `${op.name}(${inputs.map(formatSpec).join(", ")}) ${JSON.stringify(attributes)}`;
}

/** The number of the variant that is taken where nothing was measured. */
export function preferredVariant(variants: readonly WebGpuVariant[]): number {
  return Math.max(0, variants.findIndex(({ preferred }) => preferred));
}

/** Generates kernels once for nodes of the same description, since networks repeat their layers. */
export class VariantCache {
  readonly #limits: WebGpuLimits;
  readonly #known = new Map<string, { readonly op: Node["op"]; readonly variants: WebGpuVariant[] }>();

  /** A cache for a device with these limits. */
  constructor(limits: WebGpuLimits) {
    this.#limits = limits;
  }

  /** The variants of a node. */
  get(node: Node): WebGpuVariant[] {
    const key = describeNode(node), known = this.#known.get(key);
    if (known?.op === node.op) return known.variants;
    const variants = node.op.webgpu(node, this.#limits);
    this.#known.set(key, { op: node.op, variants });
    return variants;
  }

  /** The variant of a node that runs. */
  choose(node: Node, { chooseVariant }: Pick<BackendCompileOptions, "chooseVariant"> = {}): WebGpuVariant {
    const variants = this.get(node);
    return variants[chooseVariant?.(node, variants) ?? preferredVariant(variants)];
  }
}
