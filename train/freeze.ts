/** Frozen parameters: which of a model's parameters training leaves as they are. */

import { didYouMean, f32, Graph, UsageError } from "../core/mod.ts";
import type { Model } from "../models/mod.ts";

/**
 * The names of a model's parameters, first to last.
 *
 * @example
 * ```ts
 * import { modelByName } from "@residua/residua";
 * import { parameterNames } from "@residua/residua/train";
 * console.log(parameterNames(modelByName("resnet20"))[0]); // conv1.weight
 * ```
 */
export function parameterNames(model: Model): string[] {
  const graph = new Graph();
  model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
  return graph.parameters.map(({ name }) => name);
}

/**
 * The names of the parameters that patterns freeze. In a pattern, `*` stands for any text, so that `layer1.*` is a stage and
 * `*.bn1.*` all first batch norms of blocks.
 *
 * @param patterns The patterns.
 * @param names The names of all parameters.
 * @returns The names that a pattern matches, in their own order.
 * @throws {UsageError} If a pattern matches nothing, for which the error suggests what does, or nothing is left to train.
 *
 * @example
 * ```ts
 * import { frozenNames } from "@residua/residua/train";
 * console.log(frozenNames(["conv*"], ["conv1.weight", "bn1.weight", "fc.weight"])); // [ "conv1.weight" ]
 * ```
 */
export function frozenNames(patterns: readonly string[], names: readonly string[]): string[] {
  const matched = new Set<string>();
  for (const pattern of patterns) {
    const texts = pattern.split("*"), found = names.filter((name) => matches(texts, name));
    if (found.length === 0) throw noMatch(pattern, names);
    for (const name of found) matched.add(name);
  }
  if (matched.size > 0 && matched.size === names.length) {
    throw new UsageError(
      `All ${names.length} parameters are frozen by ${patterns.join(",")}, so there is nothing to train`,
    );
  }
  return names.filter((name) => matched.has(name));
}

/**
 * Whether a name is made of texts with any text between them. Each text is taken where it comes first, which leaves the most to
 * the others, so that nothing is tried twice.
 */
function matches(texts: readonly string[], name: string): boolean {
  const [first, ...rest] = texts, last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const text of rest) {
    const found = name.indexOf(text, at);
    if (found < 0) return false;
    at = found + text.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

function noMatch(pattern: string, names: readonly string[]): UsageError {
  // A layer is meant by its name with .* behind it, at any depth.
  const layers = names.flatMap((name) =>
    name.split(".").slice(0, -1).map((_, k, parts) => parts.slice(0, k + 1).join("."))
  );
  const globs = [...new Set(layers)].map((layer) => `${layer}.*`);
  const parts = globs.filter((glob) => glob.split(".").length === 2);
  return new UsageError(
    `No parameter matches "${pattern}"${didYouMean(pattern, [...globs, ...names])} ` +
      `The model's parts are ${parts.join(", ")}`,
  );
}
