/**
 * The tuner: times the variants of each op of a program on this adapter, and remembers the fastest. A variant may win only
 * if it computes what the CPU backend does.
 */

import { CpuBackend } from "../../cpu/backend.ts";
import { DeviceError } from "../../util/errors.ts";
import type { Node } from "../../graph/graph.ts";
import { formatHash, hashText } from "../../util/hash.ts";
import type { WebGpuVariant } from "./family.ts";
import type { Plan } from "../../plan/plan.ts";
import type { TuneOptions, Tuner, VariantChooser } from "./choices.ts";
import type { WebGpuBackend } from "../backend.ts";
import { describeNode } from "./policy.ts";
import { VariantMeasurement } from "./measure.ts";

/**
 * Characters of a kernel beyond which a variant is not tried unless it is the preferred one: compilers take seconds for more.
 */
const LONGEST_TEXT = 100_000;

/** What an op of a program may run with. */
export interface TuningCandidates {
  /** The op, and what it reads. */
  readonly node: Node;
  /** The names of its variants. */
  readonly variants: readonly string[];
  /** As {@link TunedChoice.kernels}. */
  readonly kernels: string;
}

/** Chooses the variants of programs on a WebGPU adapter. */
export class WebGpuTuner implements Tuner {
  readonly identity: string;
  readonly #backend: WebGpuBackend;

  /** The tuner of a backend. */
  constructor(backend: WebGpuBackend) {
    this.#backend = backend;
    this.identity = backend.adapter.identity;
  }

  /** What there is to choose in a program, by the keys of a store: each op and shape once, where it has several variants. */
  candidates(plan: Plan): Map<string, TuningCandidates> {
    const candidates = new Map<string, TuningCandidates>(), seen = new Set<string>();
    for (const node of plan.nodes) {
      const key = describeNode(node);
      if (seen.has(key)) continue;
      seen.add(key);
      const variants = this.#backend.policy.variants(node);
      if (!isTunable(node, variants)) continue;
      candidates.set(key, { node, variants: variants.map(({ name }) => name), kernels: hashVariants(variants) });
    }
    return candidates;
  }

  /** Makes the choices of a program. */
  async choose(plan: Plan, options: TuneOptions): Promise<VariantChooser> {
    const { store, measure = true } = options;
    if (measure) await this.#measure(plan, options);
    const chosen = new Map<string, number>();
    return (node, variants) => {
      const { policy } = this.#backend;
      if (!isTunable(node, variants)) return policy.explain(node).index;
      const key = describeNode(node);
      let index = chosen.get(key);
      if (index === undefined) {
        const choice = store.get(key), kernels = choice && hashVariants(variants);
        index = choice?.kernels === kernels ? variants.findIndex(({ name }) => name === choice?.variant) : -1;
        chosen.set(key, index);
      }
      return index < 0 ? policy.explain(node).index : index;
    };
  }

  /** Times what the store does not know. */
  async #measure(plan: Plan, { store, progress, warn = () => {}, signal }: TuneOptions): Promise<void> {
    const unknown = [...this.candidates(plan)].filter(([key, { variants, kernels }]) => {
      const choice = store.get(key);
      return choice?.kernels !== kernels || !variants.includes(choice.variant);
    });
    if (unknown.length === 0) return;
    const cpu = await this.#attempt("kernels are not timed", warn, () => new CpuBackend());
    if (cpu === undefined) return;
    let done = 0;
    try {
      for (const [key, { node, kernels }] of unknown) {
        if (signal?.aborted) break;
        progress?.(done++, unknown.length, key);
        const trial = await this.#attempt(
          `${key} is not timed`,
          warn,
          () => VariantMeasurement.create(node, this.#backend, cpu),
        );
        const variant = trial && await this.#fastest(key, trial, node, warn);
        if (variant !== undefined) store.set(key, { variant, kernels });
      }
    } finally {
      cpu.destroy();
      progress?.(done, unknown.length, "");
    }
  }

  /** The fastest variant among those that compute what they should; nothing if none does. */
  async #fastest(
    key: string,
    trial: VariantMeasurement,
    node: Node,
    warn: (message: string) => void,
  ): Promise<string | undefined> {
    const { variants, index: preferred } = this.#backend.policy.explain(node);
    const order = [...variants.keys()].sort((a, b) => Number(b === preferred) - Number(a === preferred))
      .filter((index) => index === preferred || longestText(variants[index]) <= LONGEST_TEXT);
    let best: string | undefined, least = Infinity;
    for (const index of order) {
      const { name } = variants[index], what = `${key}: the variant ${name} is left out`;
      const seconds = await this.#attempt(what, warn, () => trial.time(index, least));
      if (seconds !== undefined && seconds < least) [best, least] = [name, seconds];
    }
    if (best === undefined) {
      warn(`${key}: no variant computes what the CPU does, so none is chosen`);
    }
    return best;
  }

  /** Does what a device may refuse: that is told, and nothing comes of it. A lost device ends the run. */
  async #attempt<T>(what: string, warn: (message: string) => void, run: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      this.#backend.check();
      if (!(error instanceof DeviceError)) throw error;
      warn(`${what}: ${error.message}`);
    }
  }
}

function isTunable({ inputs }: Node, variants: readonly WebGpuVariant[]): boolean {
  return variants.length > 1 && inputs.every(({ dtype }) => dtype === "f32" || dtype === "u32");
}

function longestText({ kernels }: WebGpuVariant): number {
  return Math.max(...kernels.map(({ wgsl }) => wgsl.length));
}

/** Differs where a variant was added, renamed or rewritten. */
function hashVariants(variants: readonly WebGpuVariant[]): string {
  let hash: number | undefined;
  for (const { name, kernels } of variants) {
    hash = hashText(name, hash);
    for (const { wgsl, bindings, workgroups } of kernels) {
      hash = hashText(`${wgsl}\n${JSON.stringify(bindings)} ${workgroups}`, hash);
    }
  }
  return formatHash(hash ?? 0);
}
