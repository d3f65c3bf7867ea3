/**
 * The policy: the one place where it is decided which kernels run. It asks, in this order, the caller's chooser (which the
 * tuner makes of what was measured here), the tables that come with the library, and the rules of the ops.
 */

import type { BackendCompileOptions } from "../../backend.ts";
import { formatSpec } from "../../graph/shape.ts";
import type { Node } from "../../graph/graph.ts";
import { ResiduaError } from "../../util/errors.ts";
import type { DeviceProfile } from "./device_profile.ts";
import type { BoundRule, Implementation, WebGpuVariant } from "./family.ts";
import { type OccupancyModel, occupancyModel } from "./occupancy.ts";
import { findEntry, holds, type KernelTable, shapeClass, SHIPPED_TABLES, variantOfEntry } from "./tables.ts";

/** An application of an op, as far as the choice of its kernels goes. */
export type Application = Pick<Node, "op" | "inputs" | "outputs" | "attributes">;

/** An op, its shapes and its attributes: nodes of the same description run the same kernels. */
export function describeNode({ op, inputs, attributes }: Application): string {
  return `${op.name}(${inputs.map(formatSpec).join(", ")}) ${JSON.stringify(attributes)}`;
}

/** What runs for a node, and why. */
export interface Choice {
  /** All that could run. */
  readonly variants: readonly WebGpuVariant[];
  /** The number of the one that runs where nothing was measured. */
  readonly index: number;
  /** Why, as a part of a sentence. */
  readonly because: string;
}

/** How elementwise kernels share a dispatch. */
export interface MergeShape {
  /** Threads of a workgroup. */
  readonly lanes: number;
  /** About as many threads as a kernel is given; infinite where each element has one. */
  readonly threads: number;
  /** Whether sizes are a uniform, so that layers share pipelines, or constants of the text. */
  readonly uniform: boolean;
}

/**
 * Software adapters execute every branch for all SIMD lanes, so each thread loops over many adjacent elements there; and lavapipe
 * compiles such loops to faster code where their bounds are constants.
 */
const MERGE_SHAPES: Readonly<Record<DeviceProfile["kind"], MergeShape>> = {
  software: { lanes: 8, threads: 2048, uniform: false },
  hardware: { lanes: 64, threads: Infinity, uniform: true },
};

/** How a device is kept at work around a timing, since the clocks of one that waits fall. */
export interface TimingTraits {
  /** Seconds of work before the first timing. */
  readonly warmUp: number;
  /** Seconds of work that are queued behind a timing, while its result is read and the next is prepared. */
  readonly keepBusy: number;
}

/** A processor's clocks do not fall while a software adapter waits. A GPU's fall to a sixth within a tenth of a second. */
const TIMING_TRAITS: Readonly<Record<DeviceProfile["kind"], TimingTraits>> = {
  software: { warmUp: 0, keepBusy: 0 },
  hardware: { warmUp: 0.06, keepBusy: 0.02 },
};

/** Chooses the kernels of nodes for one device. Nodes of the same description are worked out once. */
export class KernelPolicy {
  /** The device. */
  readonly device: DeviceProfile;
  readonly #tables: readonly KernelTable[];
  readonly #occupancy: OccupancyModel;
  readonly #known = new Map<string, { readonly op: Node["op"]; readonly choice: Choice }>();

  /**
   * A policy for a device.
   *
   * @param tables Choices that hold for devices of a kind. Defaults to those that come with the library.
   */
  constructor(device: DeviceProfile, tables: readonly KernelTable[] = SHIPPED_TABLES) {
    this.device = device;
    this.#tables = tables;
    this.#occupancy = occupancyModel(device);
  }

  /** How elementwise kernels share a dispatch. */
  get mergeShape(): MergeShape {
    return MERGE_SHAPES[this.device.kind];
  }

  /** How the device is kept at work around a timing. */
  get timing(): TimingTraits {
    return TIMING_TRAITS[this.device.kind];
  }

  /**
   * What runs for a node where nothing was measured.
   *
   * @throws {ResiduaError} If the op has no WebGPU kernels.
   */
  explain(node: Application): Choice {
    const key = describeNode(node), known = this.#known.get(key);
    if (known?.op === node.op) return known.choice;
    const choice = this.#rank(node);
    this.#known.set(key, { op: node.op, choice });
    return choice;
  }

  /** All variants of a node. */
  variants(node: Application): readonly WebGpuVariant[] {
    return this.explain(node).variants;
  }

  /** The variant of a node that runs. */
  choose(node: Node, { chooseVariant }: Pick<BackendCompileOptions, "chooseVariant"> = {}): WebGpuVariant {
    const { variants, index } = this.explain(node);
    return variants[chooseVariant?.(node, variants) ?? index];
  }

  #rank(node: Application): Choice {
    if (node.op.webgpu === undefined) {
      throw new ResiduaError(
        `${node.op.name}: expected WebGPU kernels but the op has none; it runs on the CPU backend`,
      );
    }
    const implementation = node.op.webgpu(node), variants = implementation.variants(this.device);
    const entry = findEntry(this.#tables, this.device, shapeClass(node));
    const tabled = entry === undefined ? -1 : variantOfEntry(variants, entry);
    if (tabled >= 0) return { variants, index: tabled, because: `the table of ${entry!.device}: ${entry!.source}` };
    return { variants, ...this.#byRules(variants, implementation) };
  }

  #byRules(variants: readonly WebGpuVariant[], { rules }: Implementation): Omit<Choice, "variants"> {
    for (const rule of rules) {
      if (!this.#isFor(rule) || !rule.applies(this.device)) continue;
      const { family } = rule, configuration = rule.configuration(this.#occupancy);
      const index = variants.findIndex((variant) =>
        variant.family === family && holds(variant.configuration, configuration)
      );
      if (index >= 0) return { index, because: `on ${rule.on} devices: ${rule.because}` };
    }
    return { index: 0, because: variants.length === 1 ? "the only kernel" : "no rule applies, so the plainest kernel" };
  }

  #isFor({ on }: BoundRule): boolean {
    const { kind, vendor, architecture } = this.device;
    return on === "any" || on === kind || on === vendor || on === architecture;
  }
}
