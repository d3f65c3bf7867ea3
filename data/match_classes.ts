/** Classes are told by their names, whatever the order in which a file or a folder has them. */

/** What {@link matchClasses} finds. */
export interface ClassMatch {
  /** Of each name that was asked for, its index among those that are known; -1 where it is unknown. */
  readonly indices: readonly number[];
  /** The names that are unknown. */
  readonly unknown: readonly string[];
}

/**
 * Finds names of classes among others. Names that differ only in how Unicode composes their letters are the same.
 *
 * @param known The names that are known, as a network's in their order.
 * @param names The names that are looked for.
 *
 * @example
 * ```ts
 * import { matchClasses } from "@residua/residua/data";
 * console.log(matchClasses(["ant", "bee", "cat"], ["cat", "dog"])); // { indices: [ 2, -1 ], unknown: [ "dog" ] }
 * ```
 */
export function matchClasses(known: readonly string[], names: readonly string[]): ClassMatch {
  const positions = new Map(known.map((name, index) => [name.normalize("NFC"), index]));
  const indices = names.map((name) => positions.get(name.normalize("NFC")) ?? -1);
  return { indices, unknown: names.filter((_, k) => indices[k] < 0) };
}

/** How many names a sentence lists. */
const MOST_NAMED = 5;

/**
 * Names that are unknown, and those that are known, as a part of a sentence.
 *
 * @param known The names that are known.
 * @param unknown Those that are not; at least one.
 *
 * @example
 * ```ts
 * import { unknownClasses } from "@residua/residua/data";
 * console.log(unknownClasses(["ant", "bee"], ["dog"])); // "dog" is not among ant, bee
 * ```
 */
export function unknownClasses(known: readonly string[], unknown: readonly string[]): string {
  const list = (names: readonly string[], quote = "") =>
    names.slice(0, MOST_NAMED).map((name) => `${quote}${name}${quote}`).join(", ") +
    (names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "");
  return `${list(unknown, '"')} ${unknown.length === 1 ? "is" : "are"} not among ${list(known)}`;
}
