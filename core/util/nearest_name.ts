/** Suggests the nearest existing name, for messages about a name that does not exist. */

/** The number of single-character edits between two words (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    previous = row;
  }
  return previous[b.length];
}

/**
 * The name nearest to a word, if it is at most two edits away, or a third of the word's length.
 *
 * @example
 * ```ts
 * import { nearestName } from "@residua/residua/core";
 * console.log(nearestName("resnt50", ["resnet18", "resnet50"])); // resnet50
 * ```
 */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  const most = Math.max(2, word.length / 3);
  // No more edits than that are worth counting, and each is of one character at most.
  const near = names.filter((name) => Math.abs(name.length - word.length) <= most);
  const [best] = near.map((name) => [editDistance(word, name), name] as const).sort((a, b) => a[0] - b[0]);
  return best !== undefined && best[0] <= most ? best[1] : undefined;
}

/**
 * The end of a message that a name does not exist: the nearest name if one is near, else a full stop.
 *
 * @param before The text before the suggested name, such as `--`. Defaults to nothing.
 *
 * @example
 * ```ts
 * import { didYouMean } from "@residua/residua/core";
 * console.log(`There is no resnt50${didYouMean("resnt50", ["resnet18", "resnet50"])}`); // …; did you mean resnet50?
 * console.log(`There is no vgg${didYouMean("vgg", ["resnet18", "resnet50"])}`); // There is no vgg.
 * ```
 */
export function didYouMean(word: string, names: readonly string[], before = ""): string {
  const near = nearestName(word, names);
  return near === undefined ? "." : `; did you mean ${before}${near}?`;
}
