/** Reads files of JSON at one door: what they must hold is checked once, and what is not so is told in a sentence. */

import { DataError, type FieldCheck, parseJson, showText } from "../core/mod.ts";
import { MOST_BYTES, readFile, readIfThere } from "./read_file.ts";

/** What a file of JSON is, and must hold. */
export interface JsonKind {
  /** What it is called, for messages. */
  readonly what: string;
  /** What it must hold. */
  readonly check: FieldCheck;
  /** What to do about a file that is something else. */
  readonly remedy: string;
}

/**
 * Reads a file of JSON.
 *
 * @throws {DataError} If it cannot be read, or is not of that kind: which part, what it is, and what was expected.
 */
export async function readJson<T>(path: string, kind: JsonKind): Promise<T> {
  return parse(await readFile(path, { what: kind.what, most: MOST_BYTES.text }), path, kind) as T;
}

/** The content of a file as {@link readJson} gives it, or nothing if there is none. */
export async function readJsonIfThere<T>(path: string, kind: JsonKind): Promise<T | undefined> {
  const bytes = await readIfThere(path, { what: kind.what, most: MOST_BYTES.text });
  return bytes && parse(bytes, path, kind) as T;
}

function parse(bytes: Uint8Array, path: string, { what, check, remedy }: JsonKind): unknown {
  let content: unknown;
  try {
    content = parseJson(bytes, path);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new DataError(`${path}: ${what} is not JSON: ${showText(error.message)}; ${remedy}`);
  }
  expectContent(path, content, check, remedy);
  return content;
}

/**
 * Checks a value that was read.
 *
 * @param path The file that it is from.
 * @param content The value.
 * @param check What it must be.
 * @param remedy What to do about a file that is something else.
 * @param within The part of the file that the value is. Defaults to all of it.
 * @throws {DataError} If it is something else.
 */
export function expectContent(path: string, content: unknown, check: FieldCheck, remedy: string, within = ""): void {
  const fault = check(content, within);
  if (fault === undefined) return;
  throw new DataError(`${path}: ${showText(fault.startsWith(" ") ? `the whole${fault}` : fault)}; ${remedy}`);
}
