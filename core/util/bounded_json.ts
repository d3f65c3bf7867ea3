/**
 * JSON from files that nobody vouches for. A small text can hold very many values, and each takes memory once it is parsed, so
 * they are counted before.
 */

import { DataError } from "./errors.ts";

/** What a text of JSON may hold. */
export interface JsonBounds {
  /** How deep lists and objects may be nested. Defaults to 64. */
  readonly depth?: number;
  /** The most lists and objects. Defaults to 200,000. */
  readonly containers?: number;
  /** The most entries of all objects together. Defaults to 200,000. */
  readonly entries?: number;
  /** The most values in all. Defaults to 4,000,000. */
  readonly values?: number;
}

/** What a text of JSON holds, or would hold if it were one. */
export interface JsonMeasure extends Required<JsonBounds> {
  /** The entries of the outermost object, and of those objects that are its values. */
  readonly outerEntries: number;
}

/** Counts what a text of JSON in UTF-8 holds, in one pass. */
export function measureJson(bytes: Uint8Array): JsonMeasure {
  let depth = 0, deepest = 0, containers = 0, entries = 0, outerEntries = 0, separators = 0, text = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) text = !text; // "
    else if (text) i += byte === 0x5c ? 1 : 0; // a backslash and what it escapes
    else if (byte === 0x7b || byte === 0x5b) { // { or [
      containers++;
      if (++depth > deepest) deepest = depth;
    } else if (byte === 0x7d || byte === 0x5d) depth--; // } or ]
    else if (byte === 0x2c) separators++; // ,
    else if (byte === 0x3a) { // :
      entries++;
      if (depth <= 2) outerEntries++;
    }
  }
  return { depth: deepest, containers, entries, outerEntries, values: containers + separators + 1 };
}

/** What a text holds too much of, as the end of a sentence; nothing where it keeps within the bounds. */
export function jsonExcess(
  measure: JsonMeasure,
  { depth = 64, containers = 200_000, entries = 200_000, values = 4_000_000 }: JsonBounds = {},
): string | undefined {
  if (measure.depth > depth) return `is nested in ${measure.depth} levels, more than ${depth}`;
  if (measure.containers > containers) {
    return `holds ${measure.containers} lists and objects, more than ${containers}`;
  }
  if (measure.entries > entries) return `holds ${measure.entries} entries of objects, more than ${entries}`;
  return measure.values > values ? `holds ${measure.values} values, more than ${values}` : undefined;
}

/**
 * The value of a text of JSON.
 *
 * @param text The text, or its bytes in UTF-8.
 * @param source Where it is from, for messages.
 * @param bounds What it may hold.
 * @throws {SyntaxError} If it is no JSON.
 * @throws {DataError} If it holds more.
 *
 * @example
 * ```ts
 * import { parseJson } from "@residua/residua/core";
 * console.log(parseJson('{"batch":64}', "recipe.json")); // { batch: 64 }
 * try {
 *   parseJson("[[[1]]]", "recipe.json", { depth: 2 });
 * } catch (error) {
 *   console.log((error as Error).message); // recipe.json: the JSON is nested in 3 levels, more than 2; …
 * }
 * ```
 */
export function parseJson(text: string | Uint8Array, source: string, bounds?: JsonBounds): unknown {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const excess = jsonExcess(measureJson(bytes), bounds);
  if (excess !== undefined) throw new DataError(`${source}: the JSON ${excess}; is it another file?`);
  return JSON.parse(typeof text === "string" ? text : new TextDecoder().decode(text));
}
