/**
 * The tuner: times the variants of each op of a program on this adapter, and remembers the fastest. A variant may win only
 * if it computes what the CPU backend does, and is faster than the one that runs untuned by more than the timing's noise.
 */

import type { BackendCompileOptions, Executable } from "../../backend.ts";
import { CpuBackend } from "../../cpu/backend.ts";
import type { Node } from "../../graph/graph.ts";
import type { Plan } from "../../plan/plan.ts";
import { rooflineSeconds } from "../../profiling/profile.ts";
import { DeviceError } from "../../util/errors.ts";
import { formatHash, hashText } from "../../util/hash.ts";
import type { WebGpuBackend } from "../backend.ts";
import type { TunedChoice, TuneOptions, Tuner, TunerStore, VariantChooser } from "./choices.ts";
import { compareSteps } from "./compare_steps.ts";
import type { WebGpuVariant } from "./family.ts";
import { Heats } from "./heats.ts";
import { Losses } from "./losses.ts";
import { Trial } from "./measure.ts";
import { describeNode } from "./policy.ts";
import { promisingVariants } from "./promising.ts";
import { entryOfVariant, findEntry, shapeClass, variantOfEntry } from "./tables.ts";

/** Other configurations of a family are tried if its first takes at most so many times as long as the best. */
const NEAR = 2;
/** Operations and bytes a second by which ops are ordered; only their ratio counts. */
const NOMINAL_PEAKS = { flops: 1e13, bytes: 1e12 };

/** What an op of a program may run with. */
export interface TuningCandidates {
  /** The op, and what it reads. */
  readonly node: Node;
  /** The names of its variants. */
  readonly variants: readonly string[];
  /** As {@link TunedChoice.kernels}. */
  readonly kernels: string;
}

/** An op that was timed. */
interface TimedOp {
  readonly node: Node;
  /** Whether the variant that runs untuned does not compute what it should here. */
  readonly wrong: boolean;
}

/** Chooses the variants of programs on a WebGPU adapter. */
export class WebGpuTuner implements Tuner {
  readonly identity: string;
  readonly #backend: WebGpuBackend;
  readonly #hashes = new WeakMap<readonly WebGpuVariant[], string>();
  readonly #losses = new Losses();

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
      candidates.set(key, { node, variants: variants.map(({ name }) => name), kernels: this.#hashOf(variants) });
    }
    return candidates;
  }

  /** Makes the choices of a program, and does not compare it as a whole. */
  async choose(plan: Plan, options: TuneOptions): Promise<VariantChooser> {
    const known = this.#chosen(plan, options);
    if (!(options.measure ?? true)) return chooserOf(known, this.#backend);
    await this.#measure(plan, options);
    return chooserOf(this.#chosen(plan, options), this.#backend);
  }

  /** Makes the choices of a program, and compiles it: where something was timed, as it is faster as a whole. */
  async compile(plan: Plan, options: BackendCompileOptions, tune: TuneOptions): Promise<Executable> {
    const { measure = true, verify = measure, signal, store, warn = () => {}, verified } = tune;
    let chosen = this.#chosen(plan, tune);
    if (measure) {
      const before = new Map(chosen), timed = await this.#measure(plan, tune);
      chosen = this.#chosen(plan, tune);
      // What ran before does not count where it is wrong here.
      for (const [key, { wrong }] of timed) if (wrong) before.set(key, chosen.get(key)!);
      const changed = [...timed].filter(([key]) => before.get(key)!.index !== chosen.get(key)!.index);
      if (verify && changed.length > 0 && !signal?.aborted) {
        const choosers = [before, chosen].map((each) => chooserOf(each, this.#backend));
        const comparison = await this.#attempt(
          "the whole program is not compared with and without the choices",
          warn,
          () => compareSteps(this.#backend, plan, options, choosers[0], choosers[1]),
        );
        if (comparison?.kept === false) {
          for (const [key, { node }] of changed) store.set(key, this.#choiceOf(node, before.get(key)!.index, 0));
          chosen = before;
        }
        if (comparison !== undefined) verified?.(comparison);
      }
    }
    return await this.#backend.compile(plan, { ...options, chooseVariant: chooserOf(chosen, this.#backend) });
  }

  /** The index of the variant of each op that there is to choose: of the store, of the tables, or as it runs untuned. */
  #chosen(plan: Plan, { store, tables = [] }: TuneOptions): Map<string, { readonly index: number }> {
    const { policy } = this.#backend, chosen = new Map<string, { readonly index: number }>();
    for (const node of plan.nodes) {
      const key = describeNode(node), { variants, index } = policy.explain(node);
      if (chosen.has(key) || !isTunable(node, variants)) continue;
      const known = this.#known(store, key, variants);
      const entry = known < 0 ? findEntry(tables, policy.device, shapeClass(node)) : undefined;
      const tabled = entry === undefined ? -1 : variantOfEntry(variants, entry);
      if (tabled >= 0) store.set(key, this.#choiceOf(node, tabled, 0));
      chosen.set(key, { index: [known, tabled, index].find((each) => each >= 0)! });
    }
    return chosen;
  }

  /** The index of the variant that a store names; -1 if it names none that holds. */
  #known(store: TunerStore, key: string, variants: readonly WebGpuVariant[]): number {
    const choice = store.get(key);
    if (choice === undefined || choice.kernels !== this.#hashOf(variants)) return -1;
    return variants.findIndex(({ name }) => name === choice.variant);
  }

  #choiceOf(node: Node, index: number, saved: number): TunedChoice {
    const variants = this.#backend.policy.variants(node), variant = variants[index];
    return {
      variant: variant.name,
      kernels: this.#hashOf(variants),
      ...entryOfVariant(variant),
      shapeClass: shapeClass(node),
      saved,
    };
  }

  /** Differs where a variant was added, renamed or rewritten. */
  #hashOf(variants: readonly WebGpuVariant[]): string {
    const known = this.#hashes.get(variants);
    if (known !== undefined) return known;
    let hash: number | undefined;
    for (const { name, kernels } of variants) {
      hash = hashText(name, hash);
      for (const { wgsl, bindings, workgroups } of kernels) {
        hash = hashText(`${wgsl}\n${JSON.stringify(bindings)} ${workgroups}`, hash);
      }
    }
    const text = formatHash(hash ?? 0);
    this.#hashes.set(variants, text);
    return text;
  }

  /** Times what the store does not know, the longest first; gives what it timed. */
  async #measure(plan: Plan, options: TuneOptions): Promise<Map<string, TimedOp>> {
    const { store, progress, warn = () => {}, signal, until = Infinity } = options, timed = new Map<string, TimedOp>();
    const unknown = [...this.candidates(plan)].filter(([key, { node }]) =>
      this.#known(store, key, this.#backend.policy.variants(node)) < 0
    );
    if (unknown.length === 0) return timed;
    const seconds = nominalSeconds(plan);
    unknown.sort(([a], [b]) => seconds.get(b)! - seconds.get(a)!);
    const cpu = await this.#attempt("kernels are not timed", warn, () => CpuBackend.create());
    if (cpu === undefined) return timed;
    let done = 0;
    try {
      for (const [key, { node }] of unknown) {
        if (signal?.aborted || performance.now() > until) break;
        progress?.(done++, unknown.length, key);
        const trial = await this.#attempt(`${key} is not timed`, warn, () => Trial.create(node, this.#backend, cpu));
        if (trial === undefined) continue;
        try {
          const fastest = await this.#attempt(`${key} is not timed`, warn, () => this.#fastest(key, trial, node, warn));
          if (fastest === undefined) continue;
          store.set(key, fastest.choice);
          timed.set(key, { node, wrong: fastest.wrong });
        } finally {
          trial.destroy();
        }
      }
    } finally {
      cpu.destroy();
      progress?.(done, unknown.length, "");
    }
    return timed;
  }

  /**
   * The fastest variant among those that compute what they should; nothing if none does. First the preferred one is timed
   * beside one configuration of each other family, then beside the other configurations of families that came near the best.
   */
  async #fastest(
    key: string,
    trial: Trial,
    node: Node,
    warn: (message: string) => void,
  ): Promise<{ readonly choice: TunedChoice; readonly wrong: boolean } | undefined> {
    const { variants, index: preferred } = this.#backend.policy.explain(node);
    const heats = new Heats(
      trial,
      preferred,
      (variant, run) => this.#attempt(`${key}: the variant ${variants[variant].name} is left out`, warn, run),
    );
    const { multiprocessors } = this.#backend.profile;
    const promising = promisingVariants(variants, preferred, node, multiprocessors),
      familyOf = (index: number) => variants[index].family;
    const firsts = promising.filter((index) => {
      const family = familyOf(index);
      return family !== familyOf(preferred) && !this.#losses.rests(node.op.name, family) &&
        promising.find((other) => familyOf(other) === family) === index;
    });
    // Without another family the preferred one is timed beside its own configurations at once.
    let standing = firsts.length > 0 ? await heats.run(firsts) : undefined;
    const near = new Set(firsts.length > 0 ? [] : [familyOf(preferred)]), tried = new Set([preferred, ...firsts]);
    for (const index of standing === undefined ? [] : tried) {
      const times = (standing!.seconds.get(index) ?? Infinity) / standing!.seconds.get(standing!.leader)!;
      if (times <= NEAR) near.add(familyOf(index));
      if (times < Infinity) this.#losses.note(node.op.name, familyOf(index), times);
    }
    const others = promising.filter((index) => !tried.has(index) && near.has(familyOf(index)));
    for (const index of others) tried.add(index);
    if (others.length > 0 || standing === undefined) standing = await heats.run(others) ?? standing;
    // Where nothing was right, all that is left is tried.
    const rest = promising.filter((index) => !tried.has(index));
    if (standing === undefined && rest.length > 0) standing = await heats.run(rest);
    if (standing === undefined) {
      warn(`${key}: no variant computes what the CPU does, so none is chosen`);
      return undefined;
    }
    const { winner, seconds } = standing, usual = seconds.get(preferred), fastest = seconds.get(winner)!;
    const saved = Math.max(0, (usual ?? fastest) - fastest);
    return { choice: this.#choiceOf(node, winner, saved), wrong: usual === undefined };
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

/** A chooser of what was chosen; the policy chooses where there was nothing to choose. */
function chooserOf(
  chosen: ReadonlyMap<string, { readonly index: number }>,
  { policy }: WebGpuBackend,
): VariantChooser {
  return (node) => chosen.get(describeNode(node))?.index ?? policy.explain(node).index;
}

function isTunable({ inputs }: Node, variants: readonly WebGpuVariant[]): boolean {
  return variants.length > 1 && inputs.every(({ dtype }) => dtype === "f32" || dtype === "u32");
}

/** About how long the ops of a program take in a step, all of the same description together. */
function nominalSeconds({ nodes }: Plan): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const node of nodes) {
    const key = describeNode(node);
    seconds.set(key, (seconds.get(key) ?? 0) + rooflineSeconds(node.op.cost(node), NOMINAL_PEAKS));
  }
  return seconds;
}
