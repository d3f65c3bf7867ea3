/** Finds a network's tensors in a file: which of its dictionaries they are, and what wrappers put before their names. */

import { f32, Graph, sameShape, type Shape, showText } from "../core/mod.ts";
import type { Model } from "../models/mod.ts";
import { type Fail, isBatchCount, listNames } from "./_reading.ts";
import { type NetworkNaming, rename } from "./_foreign_names.ts";
import { variableSpecs } from "./variables.ts";

/** Anything of a shape. */
interface Shaped {
  readonly shape: Shape;
}

/** The tensors of one dictionary of a file. */
export interface TensorGroup<T extends Shaped> {
  /** The keys that lead to it, with dots between; empty for the file itself. */
  readonly path: string;
  /** The tensors by their names in the file. */
  readonly tensors: ReadonlyMap<string, T>;
}

/** The tensors that were chosen. */
export interface ChosenTensors<T extends Shaped, G = TensorGroup<T>> {
  readonly group: G;
  readonly tensors: Map<string, T>;
  /** Where in the file they were: the dictionary and the prefix of their names; empty if they are the whole file. */
  readonly entry: string;
  /** Whose names they had, where those were not torchvision's. */
  readonly naming?: NetworkNaming;
}

/** What a checkpoint holds of a bare file. */
export function bareContent<T extends Shaped>(
  { tensors, entry, naming }: Omit<ChosenTensors<T>, "group">,
): Pick<ChosenTensors<T>, "tensors" | "naming"> & { readonly entry?: string } {
  return { tensors, ...(entry === "" ? {} : { entry }), ...(naming === undefined ? {} : { naming }) };
}

/** What a network has: the shape of each variable by name. */
export type WantedShapes = ReadonlyMap<string, Shape>;

/** The shapes of a network's variables. */
export function wantedShapes(model: Model): WantedShapes {
  const graph = new Graph({ training: false });
  model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
  return new Map([...variableSpecs(graph)].map(([name, { shape }]) => [name, shape]));
}

interface Candidate<T extends Shaped, G> extends ChosenTensors<T, G> {
  readonly score: number;
}

/** Prefixes that are tried at most; a file could hold any number. */
const MOST_PREFIXES = 64;

/**
 * Chooses the tensors that fit a network best: most of its names, in its shapes.
 *
 * @param groups The dictionaries of a file that hold tensors.
 * @param wanted The network's shapes. Without them, the dictionary with the most tensors is taken.
 * @param entry The one to take, as messages name it. Defaults to the best.
 * @param fail Throws, given that several fit equally well, or that there is no such one.
 */
export function chooseTensors<T extends Shaped, G extends TensorGroup<T>>(
  groups: readonly (G & TensorGroup<T>)[],
  wanted: WantedShapes | undefined,
  entry: string | undefined,
  fail: Fail,
): ChosenTensors<T, G> {
  let candidates = groups.flatMap((group) => wanted === undefined ? [] : prefixed(group, wanted));
  if (candidates.length === 0) candidates = groups.map(unwrapped);
  if (entry !== undefined) {
    const named = candidates.find((candidate) => candidate.entry === entry);
    const entries = candidates.map((candidate) => candidate.entry === "" ? "the file itself" : candidate.entry);
    return named ?? fail(`it has no weights under ${showText(entry)}, but under ${listNames(entries)}`);
  }
  const best = candidates.reduce((most, { score }) => Math.max(most, score), -Infinity);
  const chosen = candidates.filter(({ score }) => score === best);
  if (chosen.length > 1) {
    const entries = chosen.map(({ entry }) => entry === "" ? "the file itself" : showText(entry));
    fail(
      `it holds several sets of weights that fit equally well: ${listNames(entries)}; ` +
        "name the one that is wanted, as FILE#NAME on the command line or as the entry of decodeCheckpoint()",
    );
  }
  return chosen[0];
}

/** The group under each prefix under which the network's names come. */
function prefixed<T extends Shaped, G extends TensorGroup<T>>(
  group: G & TensorGroup<T>,
  wanted: WantedShapes,
): Candidate<T, G>[] {
  const { path, tensors } = group;
  const { tensors: renamed, naming } = rename(tensors), prefixes = new Set<string>(), anchors = wholeNames(wanted);
  for (const name of renamed.keys()) {
    // Every suffix that begins after a dot and is a name of the network's, but no end of another of its names.
    for (let at = 0; at >= 0 && prefixes.size < MOST_PREFIXES;) {
      if (anchors.has(name.slice(at))) prefixes.add(name.slice(0, at));
      const dot = name.indexOf(".", at);
      at = dot < 0 || name.length > 500 ? -1 : dot + 1;
    }
  }
  return [...prefixes].map((prefix) => {
    let score = 0, found = 0;
    for (const [name, shape] of wanted) {
      const tensor = renamed.get(prefix + name);
      if (tensor === undefined) continue;
      found++;
      // The head may be for other classes, and the stem for other channels.
      score += sameShape(tensor.shape, shape) ? 1 : 0;
    }
    const under = [...renamed].filter(([name]) => name.startsWith(prefix));
    // What lies beside the network, such as a loss, is left out; what lies in it is for the caller to judge.
    const kept = new Map(under.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
    return {
      group,
      entry: path + (path !== "" && prefix !== "" ? "." : "") + prefix,
      tensors: kept,
      naming,
      score: score + found / (wanted.size + 1),
    };
  });
}

/** The names that are no ends of other names: `conv1.weight` is one of `layer1.0.conv1.weight`. */
function wholeNames(wanted: WantedShapes): Set<string> {
  const whole = new Set(wanted.keys());
  for (const name of wanted.keys()) {
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) whole.delete(name.slice(dot + 1));
  }
  return whole;
}

/** The wrappers that are known where the network is not: `DataParallel` and `AveragedModel`, and `torch.compile`. */
const WRAPPERS = ["module.", "_orig_mod."], MOST_WRAPPERS = 8;

/** A group without what wrappers put before all of its names. */
function unwrapped<T extends Shaped, G extends TensorGroup<T>>(group: G & TensorGroup<T>): Candidate<T, G> {
  const { path, tensors } = group;
  const { tensors: renamed, naming } = rename(tensors);
  let kept = renamed, prefix = "";
  for (let k = 0; k < MOST_WRAPPERS; k++) {
    const names = [...kept.keys()].filter((name) => name !== "n_averaged");
    const wrapper = WRAPPERS.find((wrapper) => names.length > 0 && names.every((name) => name.startsWith(wrapper)));
    if (wrapper === undefined) break;
    kept = new Map(names.map((name) => [name.slice(wrapper.length), kept.get(name)!]));
    prefix += wrapper;
  }
  const score = [...kept.keys()].filter((name) => !isBatchCount(name)).length;
  return { group, entry: path, tensors: kept, naming, score };
}
