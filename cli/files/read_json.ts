/** Reads files of JSON at one door: what they must hold is a schema, and what is not so is told in a sentence. */

import * as v from "valibot";
import { DataError, parseJson, showText } from "../../core/mod.ts";
import { MOST_BYTES, readFile, readIfThere } from "./read_file.ts";

const LONGEST = 60;

/** A value as a message shows it. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return showText(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}

/**
 * Reads a file of JSON.
 *
 * @param path The file.
 * @param what What it is, for messages.
 * @param schema What it must hold; the messages of its parts say what they are, such as "a number".
 * @param remedy What to do about a file that is something else.
 * @throws {DataError} If it cannot be read, or is not that: which part, what it is, and what was expected.
 */
export async function readJson<S extends v.GenericSchema>(
  path: string,
  what: string,
  schema: S,
  remedy: string,
): Promise<v.InferOutput<S>> {
  const bytes = await readFile(path, { what, most: MOST_BYTES.text });
  return expectContent(path, parse(bytes, path, what, remedy), schema, remedy);
}

/** The content of a file as {@link readJson} gives it, or nothing if there is none. */
export async function readJsonIfThere<S extends v.GenericSchema>(
  path: string,
  what: string,
  schema: S,
  remedy: string,
): Promise<v.InferOutput<S> | undefined> {
  const bytes = await readIfThere(path, { what, most: MOST_BYTES.text });
  return bytes && expectContent(path, parse(bytes, path, what, remedy), schema, remedy);
}

function parse(bytes: Uint8Array, path: string, what: string, remedy: string): unknown {
  try {
    return parseJson(bytes, path);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new DataError(`${path}: ${what} is not JSON: ${showText(error.message)}; ${remedy}`);
  }
}

/**
 * Checks a value that was read.
 *
 * @param path The file that it is from.
 * @param content The value.
 * @param schema As for {@link readJson}.
 * @param remedy What to do about a file that is something else.
 * @param within The part of the file that the value is. Defaults to all of it.
 * @throws {DataError} If it is something else.
 */
export function expectContent<S extends v.GenericSchema>(
  path: string,
  content: unknown,
  schema: S,
  remedy: string,
  within = "",
): v.InferOutput<S> {
  const result = v.safeParse(schema, content, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues, names = [within, v.getDotPath(issue) ?? ""].filter((name) => name !== "");
  const name = names.length === 0 ? "the whole" : showText(names.join("."));
  const found = issue.path?.length && issue.input === undefined
    ? `${name} is missing`
    : `${name} is ${show(issue.input)}`;
  // A missing part's message is that of its object.
  const expected = issue.received === "undefined" && issue.kind === "schema" ? "" : `, expected ${issue.message}`;
  throw new DataError(`${path}: ${found}${expected}; ${remedy}`);
}
