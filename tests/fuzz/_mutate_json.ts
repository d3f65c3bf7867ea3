/** Changes the values of JSON text: it stays JSON, or nearly, so that readers get beyond its grammar. */

import { measureJson, type Random } from "../../core/mod.ts";

/** A value as it is written: text that JSON may lack, objects with one key twice. */
type Tree =
  | { kind: "leaf"; text: string }
  | { kind: "list"; items: Tree[] }
  | { kind: "object"; entries: [string, Tree][] };

/** Texts of values that are not what is expected; the last ones are no JSON. */
const LEAVES = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "1",
  "-1",
  "2",
  "0.5",
  "1e-320",
  "1e308",
  "1e999",
  "-1e999",
  "255",
  "256",
  "65536",
  "2147483647",
  "4294967296",
  "9007199254740991",
  "9007199254740993",
  "18446744073709551616",
  '""',
  '" "',
  '"0"',
  '"1e3"',
  '"true"',
  '"__proto__"',
  '"constructor"',
  '"\\ud800"',
  '"\\u0000"',
  '"\\u202e"',
  '"a\\nb"',
  '"é"',
  "[]",
  "{}",
  "[[]]",
  "[null]",
  '{"__proto__":{"a":1}}',
  "NaN",
  "undefined",
  "01",
];

const KEYS = ["__proto__", "constructor", "toString", "hasOwnProperty", "length", "then", "toJSON", "", "0", "\ud800"];

/** Deeper text is changed as text: it is gone through by recursion here. */
const DEEPEST = 200;

function toTree(value: unknown): Tree {
  if (Array.isArray(value)) return { kind: "list", items: value.map(toTree) };
  if (typeof value !== "object" || value === null) return { kind: "leaf", text: JSON.stringify(value) };
  return { kind: "object", entries: Object.entries(value).map(([key, part]) => [key, toTree(part)]) };
}

function toText(tree: Tree): string {
  if (tree.kind === "leaf") return tree.text;
  if (tree.kind === "list") return `[${tree.items.map(toText).join()}]`;
  return `{${tree.entries.map(([key, part]) => `${JSON.stringify(key)}:${toText(part)}`).join()}}`;
}

function treesOf(tree: Tree, found: Tree[] = []): Tree[] {
  found.push(tree);
  if (tree.kind === "list") { for (const part of tree.items) treesOf(part, found); }
  if (tree.kind === "object") { for (const [, part] of tree.entries) treesOf(part, found); }
  return found;
}

/** The tree of a text; nothing if it is no JSON, or too deep. */
function parse(bytes: Uint8Array): Tree | undefined {
  if (measureJson(bytes).depth > DEEPEST) return undefined;
  try {
    return toTree(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

/** Makes a tree what another is. */
function become(tree: Tree, other: Tree): void {
  const copy = structuredClone(other);
  for (const key of Object.keys(tree)) delete (tree as unknown as Record<string, unknown>)[key];
  Object.assign(tree, copy);
}

/**
 * Changes a text of JSON in one place.
 *
 * @param other Another one, of which values are taken.
 * @param words Words that become keys and texts.
 * @returns The text; nothing if what was given is no JSON.
 */
export function mutateJson(
  bytes: Uint8Array,
  other: Uint8Array,
  words: readonly string[],
  random: Random,
): Uint8Array<ArrayBuffer> | undefined {
  const root = parse(bytes);
  if (root === undefined) return undefined;
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)];
  const trees = treesOf(root), tree = pick(trees), word = () => words.length > 0 && random.integer(2) === 0;
  switch (random.integer(8)) {
    case 0:
      become(tree, { kind: "leaf", text: word() ? JSON.stringify(pick(words)) : pick(LEAVES) });
      break;
    case 1: {
      const from = parse(other);
      if (from !== undefined) become(tree, pick(treesOf(from)));
      break;
    }
    case 2:
      become(tree, pick(trees));
      break;
    case 3: {
      const depth = pick([1, 1, 2, 3, 65, 5000]), [open, close] = pick([["[", "]"], ['{"a":', "}"]]);
      become(tree, { kind: "leaf", text: open.repeat(depth) + toText(tree) + close.repeat(depth) });
      break;
    }
    case 4:
      changeNumber(tree, random);
      break;
    default: {
      const wholes = trees.filter(({ kind }) => kind !== "leaf");
      if (wholes.length > 0) changeParts(pick(wholes), word() ? words : KEYS, pick, random);
    }
  }
  // TextEncoder writes what stands for a lone surrogate; as an escape it stays one.
  const text = toText(root), mark = random.integer(40) === 0 ? "\ufeff" : "";
  return new TextEncoder().encode(mark + text);
}

function changeNumber(tree: Tree, random: Random): void {
  if (tree.kind !== "leaf") return;
  const value = Number(tree.text);
  tree.text = String([value + 1, value - 1, -value, value * 2, value / 3, value * 1e9][random.integer(6)]);
}

/** Adds, doubles, renames, moves or removes a part of a list or an object. */
function changeParts(
  tree: Tree,
  keys: readonly string[],
  pick: <T>(list: readonly T[]) => T,
  random: Random,
): void {
  if (tree.kind === "leaf") return;
  const parts: unknown[] = tree.kind === "list" ? tree.items : tree.entries, at = random.integer(parts.length + 1);
  const leaf: Tree = { kind: "leaf", text: pick(LEAVES) };
  const added = tree.kind === "list" ? leaf : [pick(keys), leaf] as [string, Tree];
  switch (random.integer(5)) {
    case 0:
      parts.splice(at, 1);
      break;
    case 1:
      if (parts.length > 0) {
        const times = random.integer(10) === 0 ? 300 : 1;
        parts.splice(at, 0, ...Array.from({ length: times }, () => structuredClone(pick(parts))));
      }
      break;
    case 2:
      if (parts.length > 1) parts.push(parts.splice(random.integer(parts.length), 1)[0]);
      break;
    case 3:
      if (tree.kind === "object" && tree.entries.length > 0) pick(tree.entries)[0] = pick(keys);
      break;
    default:
      parts.splice(at, 0, added);
  }
}
