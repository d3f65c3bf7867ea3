/**
 * The tuner: times the variants of each op of a program on this adapter, and remembers the fastest. A variant may win only
 * if it computes what the CPU backend does.
 */

import { CpuBackend } from "../cpu/backend.ts";
import { DeviceError } from "../errors.ts";
import type { Node } from "../graph.ts";
import { formatHash, hashText } from "../hash.ts";
import type { WebGpuVariant } from "../op.ts";
import type { Plan } from "../plan.ts";
import { formatSpec } from "../shape.ts";
import type { TunedChoice, TuneOptions, Tuner, VariantChooser } from "../tuning.ts";
import type { WebGpuBackend } from "./backend.ts";
import { preferredVariant } from "./executable.ts";
import { NodeTrial } from "./trial.ts";

/**
 * Characters of a pass beyond which a variant is not tried unless it is the preferred one: compilers take seconds for more.
 */
const LONGEST_TEXT = 100_000;

/** Chooses the variants of programs on a WebGPU adapter. */
export class WebGpuTuner implements Tuner {
  readonly identity: string;
  readonly #backend: WebGpuBackend;

  /** The tuner of a backend. */
  constructor(backend: WebGpuBackend) {
    this.#backend = backend;
    this.identity = backend.adapter.identity;
  }

  /** Makes the choices of a program. */
  async choose(plan: Plan, { store, measure = true, progress, warn, signal }: TuneOptions): Promise<VariantChooser> {
    const known = (key: string, variants: readonly WebGpuVariant[]) => {
      const choice = store.get(key);
      return choice?.kernels === hashVariants(variants) ? indexOf(choice.variant, variants) : -1;
    };
    const unknown = measure ? this.#unknown(plan, known) : new Map<string, Node>();
    if (unknown.size > 0) {
      const cpu = new CpuBackend();
      let done = 0;
      try {
        for (const [key, node] of unknown) {
          if (signal?.aborted) break;
          progress?.(done++, unknown.size, key);
          const choice = await this.#time(key, await NodeTrial.create(node, this.#backend, cpu), node, warn);
          if (choice !== undefined) store.set(key, choice);
        }
      } finally {
        cpu.destroy();
        progress?.(done, unknown.size, "");
      }
    }
    const chosen = new Map<string, number>();
    return (node, variants) => {
      if (!isTunable(node, variants)) return preferredVariant(variants);
      const key = describe(node);
      let index = chosen.get(key);
      if (index === undefined) chosen.set(key, index = known(key, variants));
      return index < 0 ? preferredVariant(variants) : index;
    };
  }

  /** The ops that the store does not know, each shape once. */
  #unknown(plan: Plan, known: (key: string, variants: readonly WebGpuVariant[]) => number): Map<string, Node> {
    const unknown = new Map<string, Node>(), seen = new Set<string>();
    for (const node of plan.nodes) {
      const key = describe(node);
      if (seen.has(key)) continue;
      seen.add(key);
      const variants = node.op.webgpu(node, this.#backend.limits);
      if (isTunable(node, variants) && known(key, variants) < 0) unknown.set(key, node);
    }
    return unknown;
  }

  /** The fastest variant among those that compute what they should; nothing if none does. */
  async #time(
    key: string,
    trial: NodeTrial,
    node: Node,
    warn?: (message: string) => void,
  ): Promise<TunedChoice | undefined> {
    const variants = node.op.webgpu(node, this.#backend.limits), preferred = preferredVariant(variants);
    const order = [...variants.keys()].sort((a, b) => Number(b === preferred) - Number(a === preferred))
      .filter((index) => index === preferred || longestText(variants[index]) <= LONGEST_TEXT);
    let best: string | undefined, least = Infinity;
    for (const index of order) {
      const { name } = variants[index];
      try {
        const seconds = await trial.time(index, least);
        if (seconds < least) [best, least] = [name, seconds];
      } catch (error) {
        // A lost device ends the run; a kernel that this adapter does not take, or computes wrongly, is left out.
        this.#backend.check();
        if (!(error instanceof DeviceError)) throw error;
        warn?.(`${key}: the variant ${name} is left out: ${error.message}`);
      }
    }
    if (best === undefined) {
      warn?.(`${key}: no variant computes on this adapter what the CPU does, so none was chosen; see deno task doctor`);
      return undefined;
    }
    return { variant: best, kernels: hashVariants(variants) };
  }
}

function indexOf(name: string, variants: readonly WebGpuVariant[]): number {
  return variants.findIndex((variant) => variant.name === name);
}

function isTunable({ inputs }: Node, variants: readonly WebGpuVariant[]): boolean {
  return variants.length > 1 && inputs.every(({ dtype }) => dtype === "f32" || dtype === "u32");
}

function describe({ op, inputs, attributes }: Node): string {
  return `${op.name}(${inputs.map(formatSpec).join(", ")}) ${JSON.stringify(attributes)}`;
}

function longestText({ passes }: WebGpuVariant): number {
  return Math.max(...passes.map(({ wgsl }) => wgsl.length));
}

/** Differs where a variant was added, renamed or rewritten. */
function hashVariants(variants: readonly WebGpuVariant[]): string {
  let hash: number | undefined;
  for (const { name, passes } of variants) {
    hash = hashText(name, hash);
    for (const { wgsl, workgroups } of passes) hash = hashText(`${wgsl}\n${workgroups}`, hash);
  }
  return formatHash(hash ?? 0);
}
